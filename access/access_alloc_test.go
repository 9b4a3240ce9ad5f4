package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// An access check allocates nothing, whichever stage decides it.
func TestCheckDoesNotAllocate(t *testing.T) {
	tok, d := benchToken(t, 20), benchSD(t, 900000)
	raw := d.Binary()
	request := &access.Request{Descriptor: d, Subject: access.SubjectOf(tok), Desired: 1, Type: winnt.FileObject}
	gates := map[string]func(){
		"Check":          func() { benchDecision, _ = access.Check(tok, d, 1, winnt.FileObject) },
		"Check, maximum": func() { benchDecision, _ = access.Check(tok, d, winnt.MAXIMUM_ALLOWED, winnt.FileObject) },
		"Check, denied":  func() { benchDecision, _ = access.Check(tok, d, 0x01000000, winnt.FileObject) },
		"CheckBytes":     func() { benchDecision, _ = access.CheckBytes(tok, raw, 1, winnt.FileObject) },
		"SeAccessCheck":  func() { benchDecision, _ = access.SeAccessCheck(request) },
		"NtAccessCheck":  func() { _, benchDecision = access.NtAccessCheck(request) },
		"SeFastTraverseCheck": func() {
			access.SeFastTraverseCheck(d, &request.Subject, winnt.FILE_TRAVERSE, winnt.DirectoryFileObject)
		},
	}
	for name, c := range map[string]plainCase{
		"owner":      {sd: "U:(A;;FA;;;WD)", desired: 0x60001},
		"label":      {sd: "…(A;;FA;;;WD)S:(ML;;NW;;;HI)", desired: 2},
		"trust":      {sd: "…(A;;FA;;;WD)S:(TL;;RC;;;S-1-19-512-8192)", desired: 1},
		"restricted": {sd: "…(A;;FA;;;WD)", desired: 2, change: restricted(sid.Everyone)},
		"container":  {sd: "…(A;;FA;;;WD)(A;;FR;;;AC)", desired: 1, change: appContainer},
		"privileges": {sd: "…", desired: 0x01080000, change: both},
		"self":       {sd: "…(A;;0x1;;;PS)", desired: 1, ask: selfIs(caseU)},
		"policy":     {sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", desired: 1, ask: rulePolicy("")},
	} {
		r := c.request(t)
		gates[name] = func() { benchDecision, _ = access.SeAccessCheck(r) }
	}
	for name, f := range gates {
		n := testing.AllocsPerRun(100, f)
		check.That(t, n == 0, "%s: %v allocations, want 0", name, n)
	}
}
