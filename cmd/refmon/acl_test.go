package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// TestNotesHaveCountAndFirstFile checks that each note has its own count and the name of the first changed file.
func TestNotesHaveCountAndFirstFile(t *testing.T) {
	var sum bulk.Summary
	for i, n := range []objects.Note{objects.NoteUnverified, objects.NoteStale, objects.NoteNoDACL, 0, objects.NoteStale,
		objects.NoteNoDACL, objects.NoteStale} {
		countNote(&sum, &objects.Item{Path: fmt.Sprint("/", i), Note: n})
	}
	want := bulk.Summary{Position: bulk.Position{Stale: 3, Unverified: 1, NoDACL: 2}, FirstStale: "/1"}
	check.That(t, fmt.Sprintf("%+v", sum) == fmt.Sprintf("%+v", want), "got %+v, want %+v", sum, want)
}

// TestExportListsUnreadableObjectsUpToALimit checks that one line stands for all from number maxListed on.
func TestExportListsUnreadableObjectsUpToALimit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "objects.jsonl")
	check.NoError(t, os.WriteFile(file, []byte(strings.Repeat(`{"path":"f","sd":"O:BAX"}`+"\n", maxListed+1)), 0o600))
	code, out, errs := runLine("acl", "export", "--objects", file)
	check.That(t, code == 2 && out == "" && strings.Count(errs, "refmon: f: ") == maxListed-1 &&
		strings.Count(errs, "more could not be read") == 1, "exit code %d, %q, %q", code, out, errs)
}

// TestExportTakesNoDomainOfSeveral checks that the alias DA stays an error in LDIF with two domain objects: it would
// mean one domain's group in the other's descriptor (B-125).
func TestExportTakesNoDomainOfSeveral(t *testing.T) {
	head := func(dn, domain string) string {
		return "dn: " + dn + "\nobjectClass: domainDNS\nobjectSid: " + domain + "\nnTSecurityDescriptor: O:DA\n\n"
	}
	one, two := head("DC=one", "S-1-5-21-1-2-3"), head("DC=two", "S-1-5-21-4-5-6")
	for text, want := range map[string]string{one: `"O:S-1-5-21-1-2-3-512"`, one + two: ""} {
		file := filepath.Join(t.TempDir(), "ad.ldif")
		check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		code, out, errs := runLine("acl", "export", "--objects", file)
		check.That(t, (code == 0) == (want != "") && strings.Contains(out, want) && (out != "") == (want != ""),
			"%q: exit code %d, %q, %q", text, code, out, errs)
	}
}

// A descriptor that is set offline replaces the given parts with their control bits and keeps the others. For a file
// without a descriptor all three parts are required (F-171).
func TestOfflineSetReplacesGivenParts(t *testing.T) {
	const now = "O:BAG:SYD:PAI(A;;FA;;;BA)S:AI(AU;SA;FW;;;WD)"
	for given, want := range map[string]string{
		"O:BU":                          "O:BUG:SYD:PAI(A;;FA;;;BA)S:AI(AU;SA;FW;;;WD)",
		"G:BU":                          "O:BAG:BUD:PAI(A;;FA;;;BA)S:AI(AU;SA;FW;;;WD)",
		"D:(A;;FR;;;WD)":                "O:BAG:SYD:(A;;FR;;;WD)S:AI(AU;SA;FW;;;WD)",
		"D:ARAI(A;;FR;;;WD)":            "O:BAG:SYD:AI(A;;FR;;;WD)S:AI(AU;SA;FW;;;WD)",
		"S:PAR(AU;FA;FR;;;BA)":          "O:BAG:SYD:PAI(A;;FA;;;BA)S:P(AU;FA;FR;;;BA)",
		"O:BUG:BUD:(A;;FR;;;WD)S:":      "O:BUG:BUD:(A;;FR;;;WD)S:",
		"D:":                            "O:BAG:SYD:S:AI(AU;SA;FW;;;WD)",
		"O:SYG:SYD:P(A;;FW;;;WD)S:PARP": "O:SYG:SYD:P(A;;FW;;;WD)S:P",
	} {
		d, err := sddl.Parse(given)
		check.RequireThat(t, err == nil, "%s: %v", given, err)
		was := check.Must(sddl.Parse(now))
		got, err := (&kept{path: "f", now: was}).merged(d)
		if err != nil {
			t.Errorf("%s: %v, want no error", given, err)
			continue
		}
		if text, err := sddl.Format(got, sddl.Options{}); err != nil || text != want {
			t.Errorf("%s: %s, want %s, %v", given, text, want, err)
		}
		whole := !d.Owner().IsZero() && !d.Group().IsZero() && d.Control()&sd.DACLPresent != 0
		if alone, err := (&kept{path: "f"}).merged(d); whole != (err == nil) || whole && alone != d ||
			!whole && (alone != nil || err.Error() != "f: its attribute cannot be read: name owner, group and DACL") {
			t.Errorf("%s for a file without descriptor: %v, %v, want all three parts required", given, alone, err)
		}
	}
}
