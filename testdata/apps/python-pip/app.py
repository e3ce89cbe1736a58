import ctypes
import os

from flask import Flask

app = Flask(__name__)
fast = ctypes.CDLL(os.path.join(os.path.dirname(__file__), "fast.so"))


@app.route("/fib/<int:n>")
def fib(n):
    return str(fast.fib(n))
