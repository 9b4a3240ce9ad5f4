package main

import (
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestAccessNamesWhetherShareOrObjectDecided checks that the first line names what decided, the share, the object or
// both, and that the exit code has the result. JSON output has a line for each.
func TestAccessNamesWhetherShareOrObjectDecided(t *testing.T) {
	enterFolder(t)
	const none = "DENIED: the share and the object have no right in common"
	write := func(name, text string) {
		check.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	write("o.jsonl", `{"path":"/r","sd":"O:BAG:SYD:(A;;FR;;;BU)"}`+"\n"+`{"path":"/w","sd":"O:BAG:SYD:(`+
		`A;;0x2;;;BU)"}`+"\n"+
		`{"path":"/both","sd":"O:BAG:SYD:(A;;WDWO;;;S-1-5-21-1-2-3-1107)(A;;WO;;;S-1-5-21-1-2-3-1108)"}`+"\n"+
		`{"path":"/n","sd":"O:BAG:SYD:(A;;FA;;;BA)"}`+"\n"+
		`{"path":"/key","type":"key","sd":"O:BAG:SYD:(A;;KR;;;BU)"}`+"\n"+
		`{"path":"/net","sd":"O:BAG:SYD:(A;;FR;;;NU)"}`+"\n")
	write("smb.conf", "[ro]\nvfs objects = acl_xattr\n[rw]\nread only = no\nvfs objects = acl_xattr\n[root]\nadmin "+
		"users = alice\n"+
		"read only = no\nvfs objects = acl_xattr\n[shut]\nvalid users = bob\nvfs objects = acl_xattr\n"+
		"[bob]\nforce user = bob\nread only = no\nvfs objects = acl_xattr\n")
	for _, c := range []struct {
		code  int
		args  string
		lines string // the first lines
	}{
		{0, "/r --share D:(A;;FR;;;BU) -w FR", "GRANTED 0x120089 by the share and the object\n\nshare: GRANTED 0x120089"},
		{0, "/r --share D:(A;;FA;;;BU) -w 0x1", "GRANTED 0x1 by the share and the object\n\nshare: GRANTED 0x1"},
		{1, "/r --share D:(A;;FW;;;BU) -w 0x1", "DENIED by the share\n\nshare: DENIED"},
		{1, "/w --share D:(A;;FR;;;BU) -w 0x1", "DENIED by the object\n\nshare: GRANTED 0x1"},
		{1, "/w --share D:(A;;FW;;;BU) -w 0x1", "DENIED by the share and by the object\n\nshare: DENIED"},
		{0, "/r --share D:(A;;0x1;;;BU)", "GRANTED 0x1 by the share and the object\n"},
		{0, "/r --share D:(A;;0x21;;;BU)", "GRANTED 0x1 by the share and the object\n"},
		{1, "/r --share D:(A;;0x2;;;BU)", none + "\n\nshare: GRANTED 0x2"},
		{1, "/n --share D:(A;;FR;;;BU)", "DENIED by the object\n"},
		{1, "/r --share D:(A;;FR;;;BA)", "DENIED by the share\n"},
		// Either right of control is enough, if the share and the object both grant it (B-2).
		{0, "/both --share D:(A;;WO;;;BU) -w control", "GRANTED 0x80000 by the share and the object\n\nshare: GRANTED"},
		{1, "/both --share D:(A;;FR;;;BU) -w control", "DENIED by the share\n\nshare: DENIED"},
		{0, "/both --share smb.conf:bob -w control", "GRANTED 0x80000 by the share and the object\n\nshare:\n  "},
		{0, "/both --share smb.conf:rw -w control", "GRANTED 0x40000 by the share and the object\n\nshare:\n  "},
		{0, "/r /r --share D:(A;;FR;;;BU) -w FR", "/r:\nGRANTED 0x120089 by the share and the object\n"},
		{1, "/r /n /r --share D:(A;;FR;;;BU) -w FR", "/r:\nGRANTED 0x120089 by the share and the object\n"},
		{0, "/r --share smb.conf:ro -w FR", "GRANTED 0x120089 by the share and the object\n\nshare:\n  "},
		{1, "/w --share smb.conf:ro -w 0x2", "DENIED by the share: FILE_WRITE_DATA\n\nshare:\n  "},
		{0, "/w --share smb.conf:rw -w 0x2", "GRANTED 0x2 by the share and the object\n\nshare:\n  "},
		{1, "/r --share smb.conf:rw -w 0x2", "DENIED by the object\n\nshare:\n  "},
		{1, "/r --share smb.conf:ro -w 0x2", "DENIED by the share and by the object\n\nshare:\n  "},
		{1, "/w --share smb.conf:ro", none + "\n\nshare:\n  "}, {0, "/w --share smb.conf:rw",
			"GRANTED 0x2 by the share and the " +
				"object\n"},
		{0, "/n --share smb.conf:root -w 0x2", "GRANTED 0x1f01ff by the share and the object\n"},
		{1, "/n --share smb.conf:shut -w 0x1", "DENIED by the share and by the object\n"},
		{1, "/r --share smb.conf:shut -w 0x1", "DENIED by the share: FILE_READ_DATA\n"},
		{1, "/r --share smb.conf:shut", none},
		{0, "/r --share D:(A;;FR;;;BU) -w FR --json", `{"id":"share","status":"STATUS_SUCCESS","granted":"0x00120089",`},
		// The object's line alone has the note about kinds of logon.
		{0, "/net --share D:(A;;0x1;;;BU) -w 0x1 --json", `{"id":"share","status":"STATUS_SUCCESS",`},
		{1, "/w --share smb.conf:ro -w 0x2 --json", `{"id":"share","left":"0xfff2fea9","why":[`},
		{0, "/r -w FR --json", `{"id":null,"status":"STATUS_SUCCESS","granted":"0x00120089",`},
		{1, "/r /n -w FR --json", `{"id":"/r","status":"STATUS_SUCCESS","granted":"0x00120089",`},
		{1, "/n /r -w FR", "/n:\nDENIED "}, {0, "/key -w read", "GRANTED 0x20019 "}, {0, "/r -w read", "GRANTED 0x120089 "},
		{2, "/r /w --share D:(A;;FR;;;BU) --json", ""}, {2, "/r /gone -w FR", "/r:\nGRANTED "}, {2, "/gone", ""},
		{2, "/r --share smb.conf:nosuch", ""}, {2, "/r --share nosuch.conf:a", ""},
	} {
		if !strings.Contains(c.args, " -w ") {
			c.args = strings.Replace(c.args, " ", " -w MAXIMUM_ALLOWED ", 1)
		}
		args := append([]string{"access", "-o", "o.jsonl", "-t", "alice.json"}, strings.Fields(c.args)...)
		// A configuration is about users of a directory, and so are the kinds of logon.
		if strings.Contains(c.args, "smb.conf") || strings.Contains(c.args, "/net") {
			write("d.yaml", "users:\n  - {name: bob, sid: S-1-5-21-1-2-3-1108}\n  - {name: alice, sid: "+
				"S-1-5-21-1-2-3-1107, memberOf: [BU]}\n")
			args = append([]string{"access", "-o", "o.jsonl", "-d", "d.yaml", "--as", "alice"}, strings.Fields(c.args)...)
		}
		code, out, errs := runLine(args...)
		check.That(t, code == c.code && strings.HasPrefix(out, c.lines) && (code == 2) == (errs != "") &&
			strings.Count(out, "the kind of logon") == strings.Count(c.args, "/net"),
			"%s: exit code %d, want %d\nprinted %q\n want   %q\n said %q", c.args, code, c.code, out, c.lines, errs)
		if n := strings.Count(out, "\n"); strings.HasSuffix(c.args, "--json") && code != 2 && n !=
			max(strings.Count(c.args, "/"), 1+strings.Count(c.args, "--share")) {
			t.Errorf("%s: %d lines, want one for each decision: %s", c.args, n, out)
		}
	}
}
