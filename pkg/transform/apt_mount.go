package transform

func aptMount(p *Pass) {}
