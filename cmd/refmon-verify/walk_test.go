package main

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	tokens "github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestTreeDecisionsVerify checks that grants and denials of a tree's nodes propagate to their ancestors as in the
// access check: the verifier accepts the certificate of each decision.
func TestTreeDecisionsVerify(t *testing.T) {
	const file = `{"user":"S-1-5-21-1-2-3-1001","groups":["WD"]}`
	client := testcheck.Must(tokens.Parse([]byte(file)))
	guid := func(i int) winnt.GUID { return winnt.GUID{0: byte(i + 1)} }
	outcomes, all := map[string]bool{}, answers{}
	for _, levels := range [][]uint16{{0, 1, 2, 2, 1, 2}, {0, 1, 1, 2, 3, 1}, {0, 1, 1}} {
		var list []access.ObjectTypeEntry
		for i, level := range levels {
			list = append(list, access.ObjectTypeEntry{Level: level, GUID: guid(i)})
		}
		if len(levels) == 3 {
			list[2].GUID = guid(1) // no tree has a GUID twice
		}
		for set := range 1 << len(levels) {
			text := fmt.Sprintf("O:BAG:BAD:(OA;;8;;%s;WD)", guid(0)) // only an inherited object type
			for i := range levels {
				if set>>i&1 == 1 {
					text += fmt.Sprintf("(%s;;0x%x;%s;%s;WD)", []string{"OA", "OD"}[(set+i)%5/4], 1+i%3, guid(i),
						[]string{"", guid(0).String()}[i%2]) // an inherited object type limits no access
				}
			}
			if set == 0 {
				text = "O:BAG:BA" // without a DACL, the other rights of a tree are clipped too
			}
			d, err := sddl.Parse(text)
			testcheck.NoError(t, err)
			for _, desired := range []winnt.AccessMask{winnt.MAXIMUM_ALLOWED, 3} {
				r := &access.Request{Descriptor: d, Subject: access.Subject{Primary: client}, Desired: desired,
					ObjectTypes: list, Type: winnt.DirectoryServiceObject}
				for _, each := range []bool{false, true} {
					var x *access.Explanation
					if each {
						_, _, x, err = access.ExplainResultList(r)
					} else {
						_, x, err = access.Explain(r)
					}
					testcheck.NoError(t, err)
					cert := testcheck.Must(x.Certificate(r, []byte(file)))
					all = append(all, sample{cert, d.Binary(), []byte(file)})
					outcome, err := verify(string(cert), string(d.Binary()), file)
					testcheck.RequireThat(t, err == nil, "%v: %s, %#x, each %t: %v, want it accepted\n%s", levels, text,
						uint32(desired), each, err, cert)
					outcomes[outcome] = true
				}
			}
		}
	}
	testcheck.That(t, len(outcomes) >= 20, "only %d outcomes, want at least 20", len(outcomes))
	all.python(t, 10)
}
