package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/refusals"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// A pair whose deciding rule the kernel does not confirm is shown as "?", reported, and an error at the end.
func TestUnknownPairIsError(t *testing.T) {
	p := refusals.Matrix("NtOpenProcessTokenEx", nt.Documented)[0]
	for _, f := range []**refusals.Refusal{&p.First, &p.Second} {
		wrong := **f
		wrong.Want = ntstatus.NotImplemented
		*f = &wrong
	}
	var errs bytes.Buffer
	pairs, err := winners(&streams{err: &errs}, []refusals.Pair{p})
	check.That(t, err != nil && strings.Contains(err.Error(), "of 1 pair is unknown") && errs.Len() > 0 &&
		pairs[[2]*refusals.Refusal{p.Second, p.First}] == "?", "%v, %v, %q", pairs, err, errs.String())
}
