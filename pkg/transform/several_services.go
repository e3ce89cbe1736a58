package transform

import (
	"path"

	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&severalServicesTransform)

var severalServicesTransform = Transform{
	Name: "several-services", Group: "advice", Codes: []string{"DL3001"}, Safety: Advice, Run: severalServices,
	Doc: &page{
		Summary: "Run one service in a container.",
		What:    "Reports supervisord and its like as the command of an image, and services that a RUN starts.",
		Why:     "The container's state says nothing about the services in it, and a service started by a RUN is gone when the RUN ends.",
		Before:  "FROM debian:12\nCMD [\"supervisord\", \"-n\"]",
		Instead: "Images for development may want it.",
		Safety:  "Advice: to split a container changes how it is deployed.",
		Refs:    []string{practicesURL + "#decouple-applications", "https://docs.docker.com/engine/containers/multi-service_container/"},
	},
}

func isSupervisor(name string) bool {
	switch name {
	case "supervisord", "runsvdir", "runit", "s6-svscan", "monit", "circusd", "foreman", "honcho", "pm2-runtime", "systemd":
		return true
	}
	return false
}

func severalServices(p *Pass) {
	for _, in := range p.File.Instructions {
		switch in.Name {
		case "CMD", "ENTRYPOINT":
			for _, w := range p.commandWords(in) {
				if isSupervisor(path.Base(w)) {
					p.Advise(in.Keyword.Span, "run one service in a container", path.Base(w)+" runs several")
					break
				}
			}
		case "RUN":
			r, _ := p.Program(in)
			if r == nil {
				continue
			}
			for _, c := range r.Cmds {
				w := shell.Literals(c)
				if len(w) >= 3 && w[0] == "service" && (w[2] == "start" || w[2] == "restart") || len(w) >= 3 && w[0] == "systemctl" && (w[1] == "start" || w[1] == "restart") {
					p.Advise(r.Span(c), "do not start services in a RUN", "the service ends with the RUN; start it by CMD or ENTRYPOINT")
				}
			}
		}
	}
}
