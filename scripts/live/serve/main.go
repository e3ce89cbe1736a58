// Command serve serves a folder over HTTP: the package index and the archives of the live suite.
//
//	serve ADDRESS FOLDER
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: serve ADDRESS FOLDER")
		os.Exit(2)
	}
	s := &http.Server{Addr: os.Args[1], Handler: http.FileServer(http.Dir(os.Args[2])), ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintln(os.Stderr, "serve:", s.ListenAndServe())
	os.Exit(1)
}
