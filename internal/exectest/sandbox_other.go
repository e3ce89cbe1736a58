//go:build unix && !linux

package exectest

func startWorker(string) (*worker, error) { return nil, ErrNoSandbox }

func enterSandbox(string) (*box, error) { return nil, ErrNoSandbox }
