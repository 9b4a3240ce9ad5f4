package bulk_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/source"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/winnt"
)

// Accounts that each Debian system has, and their groups of the same names.
var shareUsers = []string{"daemon", "bin", "games", "man"}

// opener opens files through SMB, one for each line, and prints whether the open succeeded.
const opener = `
import sys, json
from samba.samba3 import libsmb_samba_internal as libsmb, param
from samba import credentials, NTSTATUSError
host, config, password = sys.argv[1:4]
lp = param.get_context(); lp.load(config)
made = {}
for line in sys.stdin:
    user, share, path, mask = json.loads(line)
    if (user, share) not in made:
        c = credentials.Credentials(); c.guess(lp)
        c.set_username(user); c.set_password(password); c.set_kerberos_state(credentials.DONT_USE_KERBEROS)
        try: made[user, share] = libsmb.Conn(host, share, lp, c)
        except NTSTATUSError as e: made[user, share] = e
    c = made[user, share]
    try:
        if isinstance(c, NTSTATUSError): raise c
        c.close(c.create(path, DesiredAccess=mask, ShareAccess=7, CreateDisposition=1))
        print("0")
    except NTSTATUSError as e: print(e.args[0] & 0xffffffff)
`

// shareMasks are requested from the server one by one. They exclude attributes and deletion, which its file system
// decides with the folder's rights.
var shareMasks = []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, winnt.FILE_APPEND_DATA,
	winnt.FILE_READ_EA, winnt.FILE_WRITE_EA, winnt.FILE_EXECUTE, winnt.READ_CONTROL, winnt.WRITE_DAC, winnt.WRITE_OWNER}

// For random settings of shares, descriptors of shares and files, and users, a real server and our decisions agree
// (F-103 to F-108).
func TestShareSettingsDecideLikeSamba(t *testing.T) {
	if err := exec.Command("/usr/bin/python3", "-c", "import samba.samba3.libsmb_samba_internal").Run(); err != nil {
		t.Skip("no python3-samba here")
	}
	for _, u := range shareUsers {
		if exec.Command("id", u).Run() != nil {
			t.Skipf("no account %s here", u)
		}
	}
	seed := randtest.Seed(t)
	rng := rand.New(rand.NewPCG(seed, 19))
	count := max(6, randtest.Size(24))
	const ignore = "\tacl_xattr:ignore system acls = yes\n"
	served := []smbd.Share{{Name: "setup", Folder: "files", Config: ignore, Users: shareUsers}}
	for i := range count {
		served = append(served, smbd.Share{Name: fmt.Sprintf("s%d", i), Folder: "files",
			Config: ignore + "\tread only = yes\n\tadmin users =\n" + randomShare(rng)})
	}
	s := &samba{smbd.Start(t, served...)}
	config, address, password := s.Access()
	dir := s.accounts()
	files := s.randomFiles(rng, dir)
	var questions strings.Builder
	type asked struct {
		user, share, file string
		mask              winnt.AccessMask
		want              bool
	}
	var list []asked
	for i := range count {
		share := fmt.Sprintf("s%d", i)
		if rng.IntN(3) == 0 {
			d := "D:" + randomEntries(rng, dir, []string{"0x1f01ff", "0x1301ff", "0x1200a9", "0x100000", "0x120196"})
			out, err := exec.Command("sharesec", "-s", config, share, "--setsddl="+d).CombinedOutput()
			check.RequireThat(t, err == nil, "sharesec: %v, want no error\n%s", err, out)
		}
		guard := s.guard(share, dir)
		before := check.Must(guard.Apply())
		for who, user := range shareUsers {
			granted := whatCan(t, before, before.Find(user), files)
			v := check.Must(guard.Decide(dir.Find(user)))
			for f, mask := range granted {
				for _, m := range shareMasks {
					// The server refuses these when they are used, of a read-only share.
					if m&(winnt.WRITE_DAC|winnt.WRITE_OWNER) != 0 && v.Left&winnt.FILE_WRITE_DATA == 0 {
						continue
					}
					list = append(list, asked{shareUsers[who], share, f, m, mask&m == m})
					line := check.Must(json.Marshal([]any{user, share, f, uint32(m)}))
					fmt.Fprintf(&questions, "%s\n", line)
				}
			}
		}
	}
	cmd := exec.Command("/usr/bin/python3", "-c", opener, address, config, password)
	cmd.Stdin = strings.NewReader(questions.String())
	var stderr strings.Builder
	cmd.Stderr = &stderr
	answers := bufio.NewScanner(strings.NewReader(string(check.Must(cmd.Output()))))
	opened, wrong := 0, 0
	for _, a := range list {
		check.RequireThat(t, answers.Scan(),
			"the server sent no more answers, want one for each question: %s", stderr.String())
		got := answers.Text() == "0"
		if got {
			opened++
		}
		if wrong++; got == a.want {
			wrong--
		} else if wrong < 20 {
			guard := s.guard(a.share, dir)
			v := check.Must(guard.Decide(dir.Find(a.user)))
			t.Errorf("%+v: the server answers %s, want the same as ours\nsteps %q, notes %q, descriptor %s", a,
				answers.Text(), v.Steps, guard.Notes, files[a.file])
		}
	}
	check.That(t, opened >= len(list)/20 && opened <= len(list)*19/20,
		"%d of %d files opened, want both verdicts often", opened, len(list))
	t.Logf("%d opens, %d of them granted", len(list), opened)
}

// randomShare writes random settings of a share.
func randomShare(rng *rand.Rand) (text string) {
	some := func(chance int, format string, of func() string) {
		if rng.IntN(100) < chance {
			text += "\t" + fmt.Sprintf(format, of()) + "\n"
		}
	}
	user := func() string { return shareUsers[rng.IntN(len(shareUsers))] }
	name := func() string { return []string{"", "", "+", "@"}[rng.IntN(4)] + user() }
	names := func() string {
		all := name()
		for rng.IntN(2) == 0 {
			all += []string{", ", " "}[rng.IntN(2)] + name()
		}
		return all
	}
	some(20, "Invalid Users = %s", names)
	some(40, "valid users = %s", names)
	some(60, "%s", func() string {
		return []string{"read only = no", "writeable = yes", "ReadOnly=yes", "writable = no"}[rng.IntN(4)]
	})
	some(30, "read list = %s", names)
	some(30, "write list = %s", names)
	some(15, "admin users = %s", name)
	some(20, "force user = %s", user)
	some(20, "force group = %s", func() string { return []string{"", "+"}[rng.IntN(2)] + user() })
	return text
}

// randomEntries writes ACL entries for accounts of the directory and for everybody, denials first as smbcacls and
// sharesec sort them.
func randomEntries(rng *rand.Rand, dir *directory.Directory, masks []string) string {
	var denied, allowed string
	for range 1 + rng.IntN(4) {
		p := &dir.Principals[dir.Find(shareUsers[rng.IntN(len(shareUsers))])]
		who := []string{p.SID().String(), p.Group.String(), "WD", "AU"}[rng.IntN(4)]
		entry := fmt.Sprintf(";;%s;;;%s)", masks[rng.IntN(len(masks))], who)
		if rng.IntN(4) == 0 {
			denied += "(D" + entry
		} else {
			allowed += "(A" + entry
		}
	}
	return denied + allowed
}

// accounts reads the server's accounts as its tools print them.
func (s *samba) accounts() *directory.Directory {
	s.T.Helper()
	var l collect.Collector
	config, _, _ := s.Access()
	out := check.Must(exec.Command("pdbedit", "-s", config, "-L", "-v").Output())
	s.must(source.Read(&l, "pdbedit", out))
	for _, name := range shareUsers {
		for _, database := range []string{"passwd", "group"} {
			out := check.Must(exec.Command("getent", database, name).Output())
			s.must(source.Read(&l, "getent", out))
		}
	}
	return check.Must(directory.New(l.Accounts()))
}

// guard reads the server's configuration of a share, and sharesec's output.
func (s *samba) guard(share string, d *directory.Directory) *shares.Guard {
	s.T.Helper()
	config, _, _ := s.Access()
	file := check.Must(os.ReadFile(config))
	c := check.Must(shares.ParseConfig(file, share))
	out := check.Must(exec.Command("sharesec", "-s", config, share, "-v").Output())
	security := check.Must(shares.ParseSecurity(out, ""))
	return c.Guard(d, security)
}

// randomFiles creates files, sets random descriptors through SMB, and returns them.
func (s *samba) randomFiles(rng *rand.Rand, dir *directory.Directory) map[string]string {
	s.T.Helper()
	root := filepath.Join(s.Dir, "files")
	s.must(os.Chmod(root, 0o777))
	files := map[string]string{}
	for i := range 4 {
		name := fmt.Sprintf("f%d", i)
		s.must(os.WriteFile(filepath.Join(root, name), nil, 0o600))
		s.must(os.Chmod(filepath.Join(root, name), 0o777)) // the mode permits everything, so only the descriptor decides
		files[name] = "O:BAG:BAD:P" + randomEntries(rng, dir, []string{"0x1f01ff", "0x1301bf", "0x1200a9", "0x120116",
			"0xc0001"})
		s.Cacls("root", "setup", name, "--sddl", "-S", files[name])
	}
	return files
}

// whatCan runs the verb for everything that a principal can do with files.
func whatCan(t *testing.T, dir *directory.Directory, who int, files map[string]string) map[string]winnt.AccessMask {
	t.Helper()
	var in, out strings.Builder
	for name, text := range files {
		fmt.Fprintf(&in, `{"path":%q,"sd":%q}`+"\n", name, text)
	}
	run := &bulk.Run{Source: jsonl.Lines(strings.NewReader(in.String()), 0, 0), Directory: dir, Ask: bulk.What,
		Principal: who, Format: bulk.JSONL, Out: &out}
	check.NoError(t, check.Err(run.Do(context.Background())))
	granted := map[string]winnt.AccessMask{}
	for line := range strings.Lines(out.String()) {
		var row struct{ Path, Granted string }
		check.NoError(t, json.Unmarshal([]byte(line), &row))
		granted[row.Path] = winnt.AccessMask(check.Must(strconv.ParseUint(row.Granted, 0, 32)))
	}
	return granted
}
