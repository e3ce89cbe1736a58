package exectest

import "errors"

// Verdict is the outcome of a case.
type Verdict struct {
	Name     string
	Kind     Kind
	Runs     int      // sets of failing calls compared, over all shells
	Calls    int      // commands recorded when nothing is made to fail
	Complete int      // shells under which the programs before succeed when nothing is made to fail
	Stops    string   // why one did not
	Cut      bool     // there were more sets of failing calls than the limit
	Flaky    int      // differences that went away when run again
	Skipped  []string // shells or cases that were not compared, and why
	Diff     string   // the first difference, in full
	Err      string   // the test itself failed
}

// ErrNoSandbox is the error of systems where programs cannot be locked up.
var ErrNoSandbox = errors.New("no sandbox: it takes Linux with user namespaces, or root")
