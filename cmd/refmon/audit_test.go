package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAuditStory runs the auditor's example and the commands that README shows
// for it, then changes a byte, which is found (U-74).
func TestAuditStory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trail")
	refmon := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := run(args, &streams{in: strings.NewReader(""), out: &out, err: &out}); code != want {
			t.Fatalf("refmon %s: exit code %d\n%s", strings.Join(args, " "), code, &out)
		}
		return out.String()
	}
	refmon(0, "run", "--quiet", "--audit", dir, "../../examples/audit.star")
	tail := refmon(0, "audit", "tail", "--no-follow", dir)
	for _, line := range []string{
		`S-1-5-20 as S-1-5-21-1-2-3-1107 open File \Files\payroll for ReadData: granted by D:(A;;FR;;;S-1-5-21-1-2-3-513)`,
		`DENIED S-1-5-20 as S-1-5-21-1-2-3-1107 open File \Files\payroll for WriteData: denied by D:(D;;FW;;;`,
		`S-1-5-21-1-2-3-500 adjust privileges of S-1-5-21-1-2-3-500 enabling SeSecurityPrivilege`,
		`S-1-5-21-1-2-3-500 use privileges on File \Files\payroll with SeSecurityPrivilege`,
		`S-1-5-20 impersonate upward of S-1-5-21-1-2-3-1107`,
	} {
		if !strings.Contains(tail, line) {
			t.Errorf("%s\nis not in\n%s", line, tail)
		}
	}
	if out := refmon(0, "audit", "query", dir, "result=failure", "--format", "xml"); strings.Count(out,
		"<Event ") != 1 {
		t.Error(out)
	}
	if out := refmon(0, "audit", "verify", dir); !strings.HasPrefix(out, "intact: records 1 to 10") {
		t.Error(out)
	}
	refmon(0, "audit", "prove", dir, "5")
	name := filepath.Join(dir, "audit-0000000000000001.log")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("WriteData"))
	b[at] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := refmon(3, "audit", "verify", dir); !strings.HasPrefix(out, "BROKEN: frame: record 5") {
		t.Error(out)
	}
}
