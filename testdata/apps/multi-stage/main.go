// Command serve answers every request with a greeting.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"
)

func main() {
	check := flag.Bool("check", false, "answer one request and exit")
	flag.Parse()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		log.Fatal(err)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello from", zone) })
	if *check {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		fmt.Print(rec.Body)
		return
	}
	log.Fatal(http.ListenAndServe(":8080", h))
}
