package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestCommandLines: help and version succeed and write to the output; what is
// malformed writes only to the error output and tells where help is.
func TestCommandLines(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitSuccess, "Usage: refmond <command>"},
		{[]string{"--help"}, exitSuccess, "version"},
		{[]string{"version", "--help"}, exitSuccess, "Print the version."},
		{[]string{"version"}, exitSuccess, "refmond "},
		{[]string{"nosuch"}, exitMalformed, "see refmond --help"},
		{[]string{"version", "--nosuch"}, exitMalformed, "see refmond --help"},
		{[]string{"version", "more"}, exitMalformed, "see refmond --help"},
	} {
		var out, errs bytes.Buffer
		code := run(c.args, &streams{out: &out, err: &errs})
		printed, silent := &out, &errs
		if c.code != exitSuccess {
			printed, silent = silent, printed
		}
		if code != c.code || !strings.Contains(printed.String(), c.want) || silent.Len() != 0 {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", c.args, code, out.String(), errs.String())
		}
	}
}
