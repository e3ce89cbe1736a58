SECRET_KEY = "only for this example"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = []
DATABASES = {}
USE_TZ = True
STATIC_URL = "/static/"
