package source_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/sources"
	"github.com/refmon/refmon/sid"
)

// printed returns the output of a program; the test is skipped where it is not there.
func printed(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("no %s here", name)
	}
	cmd := exec.Command(name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	check.RequireThat(t, err == nil, "%s %q: %v\n%s", name, args, err, stderr.String())
	return string(out)
}

// Each account of this machine has the groups that the command id prints.
func TestGetentGroupsEqualThoseOfID(t *testing.T) {
	d, _ := sources.Read(t, [2]string{"getent", printed(t, "getent", "passwd")},
		[2]string{"auto", printed(t, "getent", "group")})
	for i, p := range d.Principals {
		if i == 10 {
			break
		}
		for gid := range strings.FieldsSeq(printed(t, "id", "-G", p.Name)) {
			n := check.Must(strconv.ParseUint(gid, 10, 32))
			if s := sid.MustParse("S-1-22-2").WithRID(uint32(n)); !p.Token.Member(s, false) {
				t.Errorf("%s is not a member of %v, which id -G prints", p.Name, s)
			}
		}
	}
	check.That(t, len(d.Principals) != 0, "no accounts: len(d.Principals) = %d, want at least 1", len(d.Principals))
}

// TestReadsGroupsOfProvisionedSambaDomain reads a domain that Samba provisioned, as printed by its tools.
func TestReadsGroupsOfProvisionedSambaDomain(t *testing.T) {
	randtest.SkipUnlessDeep(t, "it makes a domain")
	if os.Getuid() != 0 {
		t.Skip("not root: a domain controller's files need it")
	}
	if _, err := os.Stat("/usr/share/samba/setup"); err != nil {
		t.Skip("no templates of a domain here: install the package samba-ad-provision")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "etc", "smb.conf")
	tool := func(args ...string) string { return printed(t, "samba-tool", append(args, "-s", config)...) }
	printed(t, "samba-tool", "domain", "provision", "--configfile=/dev/null", "--targetdir="+dir, "--realm=REFMON.TEST",
		"--domain=REFMON", "--server-role=dc", "--host-name=dc1", "--host-ip=127.0.0.1", "--adminpass=Passw0rd!x",
		"--dns-backend=NONE", "--use-rfc2307")
	for _, words := range []string{"user create alice Passw0rd!a", "group add Engineering",
		"group add Letters --group-type=Distribution", "group addmembers Engineering alice",
		"group addmembers Letters alice"} {
		tool(strings.Fields(words)...)
	}
	show := ""
	for _, words := range []string{"user show alice", "user show Administrator", "user show Guest",
		"group show Domain Admins", "group show Administrators", "group show Engineering", "group show Letters"} {
		f := strings.SplitN(words, " ", 3)
		show += tool(f...)
	}
	d, unresolved := sources.Read(t, [2]string{"samba-tool", tool("user", "list")}, [2]string{"samba-tool", show},
		[2]string{"pdbedit", printed(t, "pdbedit", "-s", config, "-L", "-v")})
	rid := func(n uint32) string { return d.Domain.WithRID(n).String() }
	sources.HasGroups(t, d, "Administrator", rid(500)+" "+rid(512)+" "+rid(513)+" S-1-5-32-544")
	for i, name := range []string{"Engineering", "Letters"} {
		_, entry, _ := strings.Cut(show, "dn: CN="+name+",")
		_, text, _ := strings.Cut(entry, "objectSid: ")
		text, _, _ = strings.Cut(text, "\n")
		alice := d.Principals[d.Find("alice")]
		if got, want := alice.Token.Member(sid.MustParse(text), false), i == 0; got != want {
			t.Errorf("alice in %s: %t, want %t", name, got, want)
		}
	}
	if d.Find("dc1$") < 0 || d.Find("Guest") >= 0 { // a guest is disabled
		t.Errorf("principals %v", namesOf(d))
	}
	for _, line := range unresolved {
		check.That(t, !strings.Contains(line, "has no entry in any input"), "%v", line)
	}
}

func namesOf(d *directory.Directory) (out []string) {
	for _, p := range d.Principals {
		out = append(out, p.Name)
	}
	return out
}
