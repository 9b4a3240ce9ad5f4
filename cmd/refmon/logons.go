package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/winnt"
)

// kindOf returns the kind of logon of --logon. given is false for "". An unknown kind is an error that lists the
// kinds.
func kindOf(text string) (k logon.Kind, given bool, err error) {
	if text == "" {
		return 0, false, nil
	}
	k, ok := logon.ParseKind(text)
	if !ok {
		return 0, false, fmt.Errorf("--logon %q: want kerberos, ntlm, interactive or service", text)
	}
	return k, true, nil
}

// loggedOn returns the directory whose principals have the tokens of the kind of logon in --logon, and d itself
// without the flag.
func (c *directoryFlags) loggedOn(d *directory.Directory) (*directory.Directory, error) {
	k, given, err := kindOf(c.Logon)
	if err != nil || !given {
		return d, err
	}
	return d.LoggedOn(k)
}

// logons returns a function that recomputes the principals for another kind of logon, for Run.Logons. The result is d
// after that logon, with the share's configuration applied, and nil for d's own kind. It prints no notes.
func (g *gate) logons(d *directory.Directory) func(logon.Kind) (*directory.Directory, error) {
	silent := &streams{out: io.Discard, err: io.Discard} // the notes about the share were printed before
	return func(k logon.Kind) (*directory.Directory, error) {
		other, err := d.LoggedOn(k)
		if err != nil || other == d {
			return nil, err
		}
		other, _, _, err = g.before(silent, other)
		return other, err
	}
}

// outcome is the result of a decision, so far as it is compared between kinds of logon.
type outcome struct {
	allowed bool
	granted winnt.AccessMask
}

// noteKinds returns a note with the kinds of logon whose outcome differs from own. It calls decide once for each kind
// (B-26). Two denials do not differ, whatever was granted. It returns "" if no kind differs.
func noteKinds(own outcome, decide func(logon.Kind) (outcome, error)) (string, error) {
	var all []string
	for _, k := range logon.Kinds {
		o, err := decide(k)
		switch {
		case err != nil:
			return "", err
		case o == own, !o.allowed && !own.allowed:
		case o.allowed:
			all = append(all, fmt.Sprintf("--logon %v: granted %s", k, o.granted.Padded()))
		default:
			all = append(all, fmt.Sprintf("--logon %v: denied", k))
		}
	}
	if len(all) == 0 {
		return "", nil
	}
	return "the answer depends on the kind of logon: " + strings.Join(all, ", "), nil
}

// noteText returns a note about kinds of logon as a line of text, "" for none.
func noteText(note string) string {
	if note == "" {
		return ""
	}
	return "note: " + printable(note) + "\n"
}
