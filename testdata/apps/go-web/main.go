// Command web shows opening hours.
package main

import (
	"crypto/x509"
	"flag"
	"html/template"
	"log"
	"net/http"
	"os"
	"os/user"
	"time"
)

func main() {
	addr := flag.String("addr", ":8080", "address to listen on")
	check := flag.Bool("check", false, "print the page and exit")
	flag.Parse()
	page := template.Must(template.ParseFiles("templates/page.html"))
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		log.Fatal(err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil || roots.Equal(x509.NewCertPool()) {
		log.Fatal("no root certificates: ", err)
	}
	me, err := user.Current()
	if err != nil {
		log.Fatal(err)
	}
	data := map[string]any{"Title": os.Getenv("TITLE"), "Zone": zone.String(), "User": me.Username}
	if *check {
		if err := page.Execute(os.Stdout, data); err != nil {
			log.Fatal(err)
		}
		return
	}
	http.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir("static"))))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if err := page.Execute(w, data); err != nil {
			log.Print(err)
		}
	})
	log.Fatal(http.ListenAndServe(*addr, nil))
}
