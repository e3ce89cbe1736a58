package main

import _ "github.com/refit-dev/refit/pkg/transform/spdx" // label schemas with licences
