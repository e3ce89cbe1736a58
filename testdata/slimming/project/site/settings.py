SECRET_KEY = "example"
DEBUG = True
ROOT_URLCONF = "site.urls"
