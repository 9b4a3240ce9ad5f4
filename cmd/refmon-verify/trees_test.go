package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sddl"
	tokens "github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestEveryTree: what entries for the nodes of a tree grant and deny goes to their ancestors as the check has it, and
// no further: each certificate of each answer verifies.
func TestEveryTree(t *testing.T) {
	const file = `{"user":"S-1-5-21-1-2-3-1001","groups":["WD"]}`
	client, err := tokens.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	guid := func(i int) winnt.GUID { return winnt.GUID{0: byte(i + 1)} }
	outcomes, all := map[string]bool{}, answers{}
	for _, levels := range [][]uint16{{0, 1, 2, 2, 1, 2}, {0, 1, 1, 2, 3, 1}} {
		var list []access.ObjectTypeEntry
		for i, level := range levels {
			list = append(list, access.ObjectTypeEntry{Level: level, GUID: guid(i)})
		}
		for set := range 1 << len(levels) {
			text := "O:BAG:BAD:"
			for i := range levels {
				if set>>i&1 == 1 {
					text += fmt.Sprintf("(%s;;0x%x;%s;;WD)", []string{"OA", "OD"}[(set+i)%5/4], 1+i%3, guid(i))
				}
			}
			d, err := sddl.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
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
					if err != nil {
						t.Fatal(err)
					}
					cert, err := x.Certificate(r, []byte(file))
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, sample{cert, d.Binary(), []byte(file)})
					outcome, err := verify(string(cert), string(d.Binary()), file)
					if err != nil {
						t.Fatalf("%v: %s, %#x, each %t: %v\n%s", levels, text, uint32(desired), each,
							err, cert)
					}
					outcomes[outcome] = true
				}
			}
		}
	}
	if len(outcomes) < 20 {
		t.Errorf("only %d outcomes", len(outcomes))
	}
	all.python(t, 10)
}

// TestNumbersOfFiles: a number is written in decimal digits, or as 0x and hexadecimal ones, and in no other way that a
// reader of numbers might know.
func TestNumbersOfFiles(t *testing.T) {
	for text, want := range map[string]uint64{"0": 0, "7": 7, "10": 10, "18446744073709551615": 1<<64 - 1, "0x0": 0,
		"0xff": 255, "0XFF": 255, "0xffffffffffffffff": 1<<64 - 1} {
		if got := numeral(text, 64); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	for _, text := range []string{"", "+1", "-1", " 1", "1 ", "01", "0b1", "0o7", "1_0", "0x", "0x1_0", "1.0", "1e3", "x",
		"18446744073709551616", "0x10000000000000000", "0x1g"} {
		func() {
			defer func() { _ = recover() }()
			t.Errorf("%q is taken for %d", text, numeral(text, 64))
		}()
	}
	func() {
		defer func() { _ = recover() }()
		t.Errorf("33 bits are taken for 32: %d", numeral("4294967296", 32))
	}()
}

// TestFormsOfProofs: a proof of a record has three lines and its checkpoint.
func TestFormsOfProofs(t *testing.T) {
	s := newSigner("log")
	leaves := records(1)
	whole := inclusion(leaves[0], 0, nil, s.note("log", 1, tree(leaves)))
	head, note, _ := strings.Cut(whole, "\n\n")
	lines := strings.Split(head, "\n")
	for n := range lines {
		refused(t, fmt.Sprintf("%d lines", n), s.line(), strings.Join(lines[:n], "\n")+"\n\n"+note, "",
			"the proof is of another form")
	}
}

// TestVersion: the version is told with that of Go and with the system.
func TestVersion(t *testing.T) {
	was, out := release, os.Stdout
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	release, os.Stdout = "v1.2.3", w
	code := run([]string{"version"})
	release, os.Stdout = was, out
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	want := fmt.Sprintf("refmon-verify v1.2.3 (%s, %s/%s)\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if err != nil || code != 0 || string(b) != want {
		t.Errorf("%d, %q, want %q, %v", code, b, want, err)
	}
}
