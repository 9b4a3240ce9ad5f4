package adreport_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/smbd"
)

// TestPlantedPathsOfSambaDomain plants 40 paths and 20 closed ones in a domain that Samba created, with
// testdata/plant.py. The page shows the 40 and none of the 20, and all of them as changes since the earlier export
// (B-47).
func TestPlantedPathsOfSambaDomain(t *testing.T) {
	smbd.SkipUnlessDeep(t)
	for _, p := range []string{"samba-tool", "ldbsearch", "/usr/bin/python3"} {
		if _, err := exec.LookPath(p); err != nil {
			smbd.Skip(t, "no %s here: install the packages samba-ad-dc, samba-ad-provision, python3-samba and ldb-tools", p)
		}
	}
	if exec.Command("/usr/bin/python3", "-c", "import samba.samdb, samba.provision").Run() != nil || os.Getuid() != 0 {
		smbd.Skip(t, "python3 has no Samba here, or the user is not root")
	}
	dir := filepath.Join(t.TempDir(), "dc")
	for _, c := range [][]string{
		{"samba-tool", "domain", "provision", "--configfile=/dev/null", "--targetdir=" + dir, "--realm=REFMON.TEST",
			"--domain=REFMON", "--server-role=dc", "--host-name=dc1", "--host-ip=127.0.0.1",
			"--adminpass=Passw0rd!of-a-test", "--dns-backend=NONE", "--option=interfaces=lo",
			"--option=bind interfaces only=yes", "--option=vfs objects=acl_xattr dfs_samba4"},
		{"/usr/bin/python3", check.Must(filepath.Abs("testdata/plant.py")), dir,
			strconv.FormatUint(randtest.Seed(t), 10)},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c[0], err, out[max(0, len(out)-4000):])
		}
	}
	read := func(name string) string { return string(check.Must(os.ReadFile(filepath.Join(dir, name)))) }
	var list []planted
	for line := range strings.Lines(read("planted.jsonl")) {
		var p planted
		check.NoError(t, json.Unmarshal([]byte(line), &p))
		list = append(list, p)
	}
	before := state(t, read("before.ldif"))
	now := state(t, read("ad.ldif"))
	page, html, text := pageOf(t, &adreport.Report{Title: "planted", Now: now})
	comparePlanted(t, page, html, text, list)
	page, _, _ = pageOf(t, &adreport.Report{Title: "planted", Now: now, Before: &before})
	for _, p := range list {
		found := false
		for _, x := range page.Changes.Opened {
			found = found || x.Who == p.Who && x.Object == p.Object && len(x.Steps) == p.Steps
		}
		for _, g := range page.Changes.Gained {
			for _, who := range g.Who.List {
				for _, object := range g.Objects.List {
					found = found || who == p.Who && object == p.Object
				}
			}
		}
		check.That(t, found == p.Open, "%+v is among the changes: %t", p, found)
	}
}
