package access_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestKernelMode: kernel mode is granted what it asks for and what it had, generic rights mapped, and all that the type
// has where it asks for as much as there is, whatever the token, the descriptor and the object types are; every call
// says the same, and no privilege is used.
func TestKernelMode(t *testing.T) {
	m := winnt.FileObject.Mapping
	masks := []winnt.AccessMask{0, 1, winnt.GENERIC_READ, winnt.GENERIC_WRITE | 4, saclBit, 0x08000000, winnt.GENERIC_ALL}
	mapped := func(a winnt.AccessMask) winnt.AccessMask {
		for generic, is := range map[winnt.AccessMask]winnt.AccessMask{winnt.GENERIC_READ: m.Read,
			winnt.GENERIC_WRITE: m.Write, winnt.GENERIC_EXECUTE: m.Execute, winnt.GENERIC_ALL: m.All} {
			if a&generic != 0 {
				a |= is
			}
		}
		return a &^ winnt.GENERIC_RIGHTS
	}
	for _, tok := range []*token.Token{nil, mustToken(t, baseSpec())} {
		for _, types := range [][]access.ObjectTypeEntry{nil, list(0, nodeC, 1, nodeP1)} {
			for _, desired := range masks {
				for _, previous := range masks {
					for _, most := range []winnt.AccessMask{0, maxMask} {
						r := &access.Request{Mode: access.Kernel, Desired: desired | most, Previous: previous,
							Subject: access.Subject{Client: tok}, Type: winnt.FileObject, ObjectTypes: types}
						want := access.Grant(mapped(desired) | mapped(previous))
						if most != 0 {
							want.Granted |= m.All
						}
						for name, ask := range map[string]func() (access.Decision, error){
							"SeAccessCheck": func() (access.Decision, error) { return access.SeAccessCheck(r) },
							"Explain":       func() (access.Decision, error) { d, _, err := access.Explain(r); return d, err },
							"NtAccessCheck": func() (access.Decision, error) { st, d := access.NtAccessCheck(r); return d, st.Err() },
							"NtPrologue": func() (access.Decision, error) {
								st, d, done := access.NtPrologue(r)
								if !done {
									return d, fmt.Errorf("not done: %w", ntstatus.Unsuccessful.Err())
								}
								return d, st.Err()
							},
						} {
							if d, err := ask(); err != nil || d != want {
								t.Errorf("%s of %v, before %v: %+v, %v, want %+v", name, r.Desired, previous, d, err, want)
							}
						}
						if types == nil {
							continue
						}
						nodes, d, err := access.CheckResultList(r)
						call, others, _ := access.NtAccessCheckResultList(r)
						node := access.NodeResult{Granted: want.Granted, Verdict: want.Verdict}
						if text := fmt.Sprint([]access.NodeResult{node, node}); err != nil || call != ntstatus.Success || d != want ||
							fmt.Sprint(nodes) != text || fmt.Sprint(others) != text {
							t.Errorf("of %v, before %v: %v %v, %v, want %s", r.Desired, previous, nodes, others, err, text)
						}
					}
				}
			}
		}
	}
}
