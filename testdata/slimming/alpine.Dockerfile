FROM alpine:3.18
RUN apk update && apk upgrade && apk add python3 && apk add py3-pip
ADD . /code/
WORKDIR /code
RUN pip3 install -r requirement
CMD ["python3", "manage.py", "runserver", "0.0.0.0:8000"]
