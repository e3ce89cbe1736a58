package transform

var _ = register(&gpgBatchTransform)

var gpgBatchTransform = Transform{
	Name:   "gpg-batch",
	Group:  "packages",
	Codes:  []string{"gpgUseBatchFlag"},
	Safety: Unsafe,
	Run:    gpgBatch,
	Doc: text(`Run gpg without questions.

## What
gpg gets ´--batch´ where it fetches, imports or verifies.

## Why
A build has no terminal to ask on, and gpg's behaviour without one depends on its version.

## Example
~~~dockerfile before
FROM debian:12
RUN gpg --keyserver hkps://keys.openpgp.org --recv-keys ABCD
~~~
~~~dockerfile after
FROM debian:12
RUN gpg --batch --keyserver hkps://keys.openpgp.org --recv-keys ABCD
~~~

## Instead
Other uses of gpg stay. To switch it off: ´# refit: ignore=gpg-batch´.

## Safety
Unsafe. With --batch gpg refuses where it would have asked.

## References
- https://www.gnupg.org/documentation/manuals/gnupg/Unattended-Usage-of-GPG.html
`),
}

func gpgBatch(p *Pass) {
	for _, r := range p.Programs() {
		for _, c := range p.Facts.Calls(r.In) {
			if c.Nested || c.Name() != "gpg" && c.Name() != "gpg2" || hasOption(&c, 0, "--batch") ||
				!hasOption(&c, 0, "--recv-keys", "--recv-key", "--recv", "--receive-keys", "--verify", "--import", "--keyserver", "--decrypt", "--dearmor") {
				continue
			}
			edits, effects, err := r.EditCommand(c.Expr, Op{At: c.Fields[0].Word, Insert: "--batch"})
			if err != nil {
				p.Skip(r.Span(c.Expr), "%v", err)
				continue
			}
			p.Report(Change{
				Title: "run gpg without questions", At: r.Span(c.Expr), Edits: edits, Effects: effects, Safety: Unsafe,
				Reason: "a build has no terminal to ask on; check that gpg has nothing to ask",
			})
		}
	}
}
