package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/test/check"
)

// runLine runs one command line and returns its exit code and output.
func runLine(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(args, &streams{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

// newTrail writes a log with ten records between its first, 1, and its last, 12. segment is the size of a segment in
// bytes, 0 for a single one.
func newTrail(t *testing.T, segment int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "trail")
	l := check.Must(auditlog.Open(auditlog.Config{Dir: dir, SegmentBytes: segment}))
	for i := range 10 {
		outcome, event, privilege := "success", 4656, `"-"`
		if i%2 == 1 {
			outcome = "failure"
		}
		if i >= 5 {
			event, privilege = 4673, `["SeTcbPrivilege"]`
		}
		text := fmt.Sprintf(`{"id":0,"time":"2024-01-01T%02d:00:00Z","event":%d,"version":0,"outcome":"%s",`+
			`"subcategory":"File System","subcategory_guid":"","computer":"dc1",`+
			`"data":{"SubjectUserSid":"S-1-5-21-1-2-3-%d",`+
			`"SubjectUserName":"user%d","ObjectType":"File","ObjectName":"/srv/f%d","PrivilegeList":%s},`+
			`"access":[],"chain":""}`,
			i, event, outcome, 1000+i%3, i%3, i%4, privilege)
		e := check.Must(audit.ParseEvent([]byte(text)))
		check.NoError(t, l.Write(e))
	}
	check.NoError(t, l.Close())
	return dir
}

// enterFolder creates a folder with the files that the command lines of these tests use, and makes it the working
// directory.
func enterFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"alice.json": `{"user":"S-1-5-21-1-2-3-1107","groups":["BU"],"privileges":["SeChangeNotifyPrivilege"]}`,
		"ident.json": `{"user":"S-1-5-21-1-2-3-1107","type":"Impersonation","impersonationLevel":"Identification"}`,
		"imp.json":   `{"user":"S-1-5-21-1-2-3-1107","type":"Impersonation","impersonationLevel":"Impersonation"}`,
		"company.yaml": "domain: S-1-5-21-1-2-3\nusers:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107, memberOf: " +
			"[S-1-5-21-1-2-3-2001]}\n" +
			"  - {name: bob, sid: S-1-5-21-1-2-3-1108}\n",
		"empty.yaml": "domain: S-1-5-21-1-2-3\n",
		"good.jsonl": `{"path":"/a","sd":"O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)"}` + "\n" + `{"path":"/b",` +
			`"sd":"O:BAG:SYD:(A;;FA;;;BA)"}` + "\n",
		"less.jsonl": `{"path":"/a","sd":"O:BAG:SYD:(A;;FA;;;BA)"}` + "\n" + `{"path":"/b",` +
			`"sd":"O:BAG:SYD:(A;;FA;;;BA)"}` + "\n",
		"bad.jsonl": `{"path":"/a","sd":"O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)"}` + "\n" + `{"path":"/b",` +
			`"sd":"O:"}` + "\n",
		"none.jsonl": "",
		"open.jsonl": `{"path":"/a","sd":"O:BA"}` + "\n" + `{"path":"/b","sd":"O:BA"}` + "\n",
		"holds.yaml": "principals:\n  a: alice.json\ndescriptors:\n  d: O:BAG:SYD:(A;;FR;;;BU)\nexpect:\n  - " +
			"{who: a, on: d, want: FR, is: granted}\n",
		"fails.yaml": "principals:\n  a: alice.json\ndescriptors:\n  d: O:BAG:SYD:(A;;FR;;;BU)\nexpect:\n  - " +
			"{who: a, on: d, want: FW, is: granted}\n",
		"wrong.yaml":  "principals:\n  a: alice.json\nexpect: 7\n",
		"lines.jsonl": `{"id":1,"token":{"user":"S-1-5-18"},"sd":"O:BA","desired":"FR"}` + "\n",
		"shares.sddl": "O:BAG:SYD:(A;;FR;;;BU)\n", "found.sddl": "O:BAG:SYD:(A;;FR;;;WD)(D;;FR;;;BG)(A;;FR;;;WD)\n",
		"ok.star": "expect(1, 1)\n",
		"passwd":  "root:x:0:0:root:/root:/bin/sh\n",
	} {
		check.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
}

// writePeople writes a directory file with one user, alice.
func writePeople(t *testing.T, name string) {
	t.Helper()
	check.NoError(t, os.WriteFile(name, []byte("users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n"), 0o600))
}

const sdOfUsers = "O:BAG:SYD:(A;;FR;;;BU)"
