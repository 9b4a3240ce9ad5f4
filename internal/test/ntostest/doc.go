// Package ntostest runs transcripts: text files that show, case by case, what a caller of the kernel sees. Only tests
// use it.
//
// A transcript is a file of cockroachdb/datadriven:
//
//	# IC-1: a thread that does not impersonate has no token to open (I-20).
//	run
//	r = T.NtOpenThreadToken(ThreadHandle=NtCurrentThread(), DesiredAccess=TOKEN_READ, OpenAsSelf=True)
//	expect(r.status, STATUS_NO_TOKEN)
//	----
//	S/1                NtOpenThreadToken(…) -> STATUS_NO_TOKEN
//	                     because I-20: the thread is not impersonating
//
// The input is a program of package script, on a kernel of its own; below the
// line stands what it prints. Commands:
//
//	prelude                   definitions that every later run of the file sees; prints nothing
//	run                       one case, on both profiles, which must print the same
//	run profile=documented    one case on that profile only; also profile=observed
//
// Each case starts with a comment that gives its reason and the id of the case
// or rule, and expects something by the documents, not by what came out. The
// kernel of each run must close without a leak. Files are rewritten with
//
//	go test ./internal/test/ntostest -rewrite
//
// which makes printed text the expected text, but never an expectation that
// failed: read the diff, and commit it only if you understand every line.
//
// A file is run by one goroutine; the package has no state of its own.
package ntostest
