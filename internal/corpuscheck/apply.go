package main
func applyDiffs(paths []string, results []outcome) (applied int, errs []string) { return 0, nil }
