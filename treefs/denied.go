package treefs

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Denied is the error of a call that a right or privilege was missing for, with the reason. [Explained] returns an FS
// with such errors. The zero value has no error and no reason.
type Denied struct {
	Err error  // an ntstatus.Error
	Why nt.Why // the rule, and the file, directory or entry that decided
}

// Error returns one line: the status, the rule that denied the access, and its reasons as far as they are known.
// Without a status it begins with "denied". Lines about granted rights are left out.
func (d *Denied) Error() string {
	text := "denied"
	if d.Err != nil {
		text = d.Err.Error()
	}
	if d.Why.Rule != "" {
		text += " by " + d.Why.Rule
	}
	if d.Why.Explanation != nil {
		text += ": " + d.Why.Explanation.Verdict()
	}
	var lines []string
	for line := range strings.Lines(d.Why.Because) {
		// The verdict repeats the status, and granted rights are no reason.
		if words := strings.Fields(line); len(words) > 0 && words[0] != "DENIED" && !slices.Contains(words, "granted") {
			if len(words) > 3 && words[2] == "refused" { // a right, its name, and why
				words[2] = "refused:"
			}
			lines = append(lines, strings.Join(words, " "))
		}
	}
	if errors.Is(d.Err, ntstatus.BadImpersonationLevel.Err()) {
		lines = append(lines, "the thread has ended, or may only identify its client: give the token of the "+
			"server's process SeImpersonatePrivilege")
	}
	if len(lines) > 0 {
		text += ": " + strings.Join(lines, "; ")
	}
	return text
}

// Unwrap returns the NT status of the refusal, so that errors.Is and errors.As find it.
func (d *Denied) Unwrap() error { return d.Err }

// Explained returns an FS as [New] does, whose errors for denials wrap a [Denied]. It replaces the tracer of the
// thread, and calls take longer. Show the reasons to administrators alone: they name entries of descriptors that the
// user may not read.
func Explained(th *nt.Thread, tree string) *FS {
	last := new(lastWhy)
	th.Trace(last)
	return newFS(tree, &caller{th: th, last: last})
}

// lastWhy is a call tracer that keeps why the last call failed. One goroutine uses it at a time.
type lastWhy struct{ why nt.Why }

// Traced stores the reason of a call, in place of that of the call before, also if the call has none.
func (l *lastWhy) Traced(c *nt.Call) { l.why = c.Why }

// explained turns the error of a denied call into a Denied with the reason of the last call. It returns other errors
// unchanged, and all errors if l is nil.
func (l *lastWhy) explained(err error) error {
	if l == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return &Denied{Err: err, Why: l.why}
}
