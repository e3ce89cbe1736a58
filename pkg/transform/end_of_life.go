package transform

import (
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&endOfLifeTransform)

var endOfLifeTransform = Transform{
	Name: "end-of-life", Group: "advice", Safety: Advice, Run: endOfLife,
	Doc: &page{
		Summary: "Leave base images that get no updates.",
		What:    "Reports base images of releases whose support has ended, by a table of well-known images.",
		Why:     "Holes in them stay open, and their package servers go away: builds start to fail.",
		Before:  "FROM debian:stretch\nRUN true",
		Instead: "Images that are not in the table are not reported.",
		Safety:  "Advice: another release is another system.",
		Refs:    []string{"https://endoflife.date/", practicesURL + "#choose-the-right-base-image"},
	},
}

// ended are releases whose free support has ended, by repository and start of the
// tag, with the month of their end. See https://endoflife.date/.
var ended = lazy.Value[map[string][][2]string]{Make: func() map[string][][2]string {
	return map[string][][2]string{
		"debian":      {{"wheezy", "2018-05"}, {"7", "2018-05"}, {"jessie", "2020-06"}, {"8", "2020-06"}, {"stretch", "2022-06"}, {"9", "2022-06"}, {"buster", "2024-06"}, {"10", "2024-06"}},
		"ubuntu":      {{"trusty", "2019-04"}, {"14.04", "2019-04"}, {"xenial", "2021-04"}, {"16.04", "2021-04"}, {"bionic", "2023-05"}, {"18.04", "2023-05"}, {"focal", "2025-05"}, {"20.04", "2025-05"}, {"23.04", "2024-01"}, {"23.10", "2024-07"}, {"21.10", "2022-07"}, {"19.10", "2020-07"}},
		"alpine":      {{"2", "2017-11"}, {"3.0", "2016-11"}, {"3.1", "2016-11"}, {"3.2", "2017-05"}, {"3.3", "2017-11"}, {"3.4", "2018-05"}, {"3.5", "2018-11"}, {"3.6", "2019-05"}, {"3.7", "2019-11"}, {"3.8", "2020-05"}, {"3.9", "2020-11"}, {"3.10", "2021-05"}, {"3.11", "2021-11"}, {"3.12", "2022-05"}, {"3.13", "2022-11"}, {"3.14", "2023-05"}, {"3.15", "2023-11"}, {"3.16", "2024-05"}, {"3.17", "2024-11"}, {"3.18", "2025-05"}},
		"centos":      {{"", "2024-06"}},
		"python":      {{"2", "2020-01"}, {"3.4", "2019-03"}, {"3.5", "2020-09"}, {"3.6", "2021-12"}, {"3.7", "2023-06"}, {"3.8", "2024-10"}, {"3.9", "2025-10"}},
		"node":        {{"4", "2018-04"}, {"6", "2019-04"}, {"8", "2019-12"}, {"9", "2018-06"}, {"10", "2021-04"}, {"11", "2019-06"}, {"12", "2022-04"}, {"13", "2020-06"}, {"14", "2023-04"}, {"15", "2021-06"}, {"16", "2023-09"}, {"17", "2022-06"}, {"18", "2025-04"}, {"19", "2023-06"}, {"21", "2024-06"}},
		"php":         {{"5", "2018-12"}, {"7", "2022-11"}, {"8.0", "2023-11"}},
		"ruby":        {{"1", "2015-02"}, {"2", "2023-03"}, {"3.0", "2024-04"}, {"3.1", "2025-03"}},
		"openjdk":     {{"", "2022-07"}},
		"java":        {{"", "2016-12"}},
		"fedora":      {{"36", "2023-05"}, {"37", "2023-12"}, {"38", "2024-05"}, {"39", "2024-11"}},
		"amazonlinux": {{"1", "2023-12"}},
		"postgres":    {{"9", "2021-11"}, {"10", "2022-11"}, {"11", "2023-11"}, {"12", "2024-11"}},
	}
}}

func endOfLife(p *Pass) {
	for _, s := range p.Facts.Stages {
		if s.Parent != nil || !s.Image.Known || len(s.From.Words) == 0 {
			continue
		}
		repo, tag, _ := facts.SplitReference(strings.ToLower(s.Image.S))
		for _, e := range ended.Get()[repo] {
			if e[0] == "" || tag == e[0] || strings.HasPrefix(tag, e[0]+"-") || strings.HasPrefix(tag, e[0]+".") {
				p.Advise(s.From.Words[0].Span, "move to a supported release of "+repo, s.Image.S+" gets no updates since "+e[1])
				break
			}
		}
	}
}
