package mount

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
)

// shared is the descriptor of alice's directory: bob may change its files, everybody may read them.
const shared = "O:S-1-22-1-61001G:S-1-22-2-62001D:P(A;OICI;FA;;;S-1-22-1-61001)(A;OICI;0x1301bf;;;S-1-22-1-61002)" +
	"(A;OICI;0x1200a9;;;WD)"

// M-41, M-42: a chmod that denies what the descriptor grants narrows it and needs WRITE_DAC. One
// that grants more changes nothing and succeeds for the owner and users with WRITE_DAC. The shown
// mode succeeds for everyone.
func TestChmodNarrowsAndNeverWidens(t *testing.T) {
	w := newWorld(t)
	w.dir("d", shared)
	const hers = "O:S-1-22-1-61001G:S-1-22-2-62001D:P(A;;FA;;;S-1-22-1-61001)(A;;0x1301bf;;;S-1-22-1-61002)" +
		"(A;;0x1200a9;;;WD)"
	const limited = "O:S-1-22-1-61001G:S-1-22-2-62001D:P(A;;FR;;;OW)(A;;FR;;;S-1-22-1-61001)(A;;FR;;;WD)"
	for i, c := range []struct {
		by     uint32
		before string
		mode   uint32
		want   unix.Errno
		after  string // "": as before
		shown  uint32
	}{
		{alice, hers, 0o775, 0, "", 0o775},
		{alice, hers, 0o777, 0, "", 0o775},
		{alice, hers, 0o077, 0, "", 0o775}, // the owner loses nothing
		{alice, hers, 0o6777, 0, "", 0o775},
		{bob, hers, 0o775, 0, "", 0o775},
		{bob, hers, 0o777, unix.EPERM, "", 0o775},
		{bob, hers, 0o600, unix.EPERM, "", 0o775},
		{carol, hers, 0o600, unix.EPERM, "", 0o775},
		{alice, hers, 0o644, 0,
			"O:S-1-22-1-61001G:S-1-22-2-62001D:P(A;;FA;;;S-1-22-1-61001)(A;;0x130089;;;S-1-22-1-61002)(A;;FR;;;WD)",
			0o744},
		{alice, hers, 0o600, 0, "O:S-1-22-1-61001G:S-1-22-2-62001D:P(A;;FA;;;S-1-22-1-61001)(A;;0x130080;;;S-1-22-1-61002)" +
			"(A;;0x120080;;;WD)", 0o700},
		{alice, limited, 0o444, 0, "", 0o444},
		{alice, limited, 0o666, 0, "", 0o444}, // the owner without WRITE_DAC
		{alice, limited, 0o400, unix.EPERM, "", 0o444},
	} {
		name := fmt.Sprintf("d/f%d", i)
		w.file(name, "text", c.before)
		in := &fuse.SetAttrIn{}
		in.InHeader, in.Valid, in.Mode = header(c.by, w.known(c.by, name)), fuse.FATTR_MODE, c.mode
		var out fuse.AttrOut
		w.want(fmt.Sprintf("M-41: uid %d, %s, chmod %o", c.by, c.before, c.mode), w.m.SetAttr(nil, in, &out), c.want)
		if c.after == "" {
			c.after = c.before
		}
		check.Equal(t, w.descriptorOf(name), c.after, "M-41: %s by %o became", c.before, c.mode)
		w.sees(bob, fmt.Sprintf("%o", c.shown), "stat", "-c", "%a", name)
	}
}

// M-43: a file created with 0600 is never readable for another user. The first chmod starts from
// the inherited descriptor. A umask that only removes writing has no effect.
func TestNewFilesFollowTheirMode(t *testing.T) {
	w := newWorld(t)
	w.dir("d", shared)
	for _, c := range []struct{ line, name, shown, reads, writes string }{
		{"umask 022; echo x >d/plain", "plain", "775", "yes", "yes"},
		{"umask 077; echo x >d/masked", "masked", "700", "no", "no"},
		{"umask 022; python3 -c 'import os; os.write(os.open(\"d/key\", os.O_CREAT | os.O_WRONLY, 0o600), b\"x\")'", "key",
			"700", "no", "no"},
		{"python3 -c 'import os; os.write(os.open(\"d/read\", os.O_CREAT | os.O_WRONLY, 0o644), b\"x\")'", "read", "744",
			"yes", "no"},
		{"umask 022; install -m 644 /etc/hostname d/installed", "installed", "744", "yes", "no"},
		{"umask 022; install -m 600 /etc/hostname d/private", "private", "700", "no", "no"},
		{"umask 022; mkdir -m 700 d/own && echo x >d/own/f && mv d/own/f d/moved", "moved", "700", "no", "no"},
		{"umask 022; echo x >d/later; chmod 600 d/later; chmod 777 d/later", "later", "700", "no", "no"},
		{"python3 -c 'import os; f = os.open(\"d\", os.O_TMPFILE | os.O_WRONLY, 0o600); d = os.open(\"d\", os.O_RDONLY); " +
			"os.link(f\"/proc/self/fd/{f}\", \"nameless\", src_dir_fd=d, dst_dir_fd=d, follow_symlinks=True)'" +
			"; chmod 644 d/nameless", "nameless", "744", "yes", "no"},
		{"umask 077; python3 -c 'import os; os.mknod(\"d/node\", 0o100666)'; [ `stat -c %a d/node` = 700 ] && " +
			"chmod 644 d/node", "node", "744", "yes", "no"},
		{"install -m 600 /etc/hostname d/twice; for m in 644 600 644; do chmod $m d/twice; done", "twice", "700", "no",
			"no"},
	} {
		if got, err := w.run(alice, "sh", "-c", c.line); err != nil {
			t.Fatal(c.line, ": ", got, err)
		}
		w.sees(alice, c.shown, "stat", "-c", "%a", "d/"+c.name)
		w.sees(bob, c.reads, "sh", "-c", "cat d/"+c.name+" >/dev/null 2>&1 && echo yes || echo no")
		w.sees(bob, c.writes, "sh", "-c", "(: >>d/"+c.name+") 2>/dev/null && echo yes || echo no")
		w.sees(alice, "ok", "sh", "-c", "cat d/"+c.name+" >/dev/null && : >>d/"+c.name+" && echo ok")
	}
	// A directory that is created with mode rw may be traversed by nobody.
	w.sees(alice, "764", "sh", "-c", `umask 0; python3 -c 'import os; os.mkdir("d/sub", 0o766)'; stat -c %a d/sub`)
	// After a rejected descriptor chmod still restores what the new file inherited.
	w.sees(alice, "", "install", "-m", "600", "/etc/hostname", "d/kept")
	w.setsWhole(alice, "d/kept", bytesOf(strings.Replace(shared, user(alice), user(bob), 1)), unix.EPERM)
	w.sees(alice, "", "chmod", "777", "d/kept")
	const inherited = "O:S-1-22-1-61001G:S-1-22-1-61001D:(A;;FA;;;S-1-22-1-61001)(A;;0x1301bf;;;S-1-22-1-61002)" +
		"(A;;0x1200a9;;;WD)"
	for _, name := range []string{"d/plain", "d/kept"} {
		check.Equal(t, w.descriptorOf(name), inherited, "M-43: the descriptor of %s", name)
	}
}

// M-45: with mode map the descriptor expresses the mode.
func TestModesAreMapped(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Modes = MapMode })
	w.dir("d", shared)
	w.sees(alice, "644", "sh", "-c", "umask 022; echo x >d/f; stat -c %a d/f")
	w.sees(alice, "755", "sh", "-c", "umask 022; mkdir d/sub; stat -c %a d/sub")
	w.refused(bob, "Operation not permitted", "chmod", "777", "d/f")
	w.refused(bob, "Permission denied", "sh", "-c", ": >>d/f")
	w.file("d/hers", "", strings.Replace(shared, "OICI", "", -1))
	w.sees(alice, "751", "sh", "-c", "chmod 751 d/hers; stat -c %a d/hers")
	w.sees(alice, "600", "sh", "-c", "chmod 600 d/hers; stat -c %a d/hers")
	w.refused(bob, "Permission denied", "cat", "d/hers")
}

// TestGroupsAreThoseOfOwner checks that the groups of a user who is not the owner do not decide which permissions of a
// mode are the owner's (M-41).
func TestGroupsAreThoseOfOwner(t *testing.T) {
	hers := sddl.MustParse("O:" + user(alice) + "G:SYD:")
	for uid, want := range map[uint32]bool{alice: true, bob: false} {
		tok := check.Must(token.Parse([]byte(`{"user":"` + user(uid) +
			`","groups":["S-1-22-2-7",{"sid":"S-1-22-2-8","attributes":["UseForDenyOnly"]}]}`)))
		holds := holdsOf(tok, hers)
		check.Equal(t, holds != nil, want, "the groups of uid %d are the owner's", uid)
		check.That(t, holds == nil || holds(fileaccess.UnixGroup(7)) && !holds(fileaccess.UnixGroup(8)),
			"uid %d holds a group for deny entries, or does not hold its other group", uid)
	}
	check.That(t, holdsOf(nil, hers) == nil, "the mount itself has groups of the owner")
}

func TestParseModePolicy(t *testing.T) {
	for word, want := range map[string]ModePolicy{"": NarrowMode, "narrow": NarrowMode, "refuse": RefuseMode,
		"map": MapMode} {
		if got, err := ParseModePolicy(word); got != want || err != nil {
			t.Errorf("%q: %v, %v, want %v, nil", word, got, err, want)
		}
	}
	if got, err := ParseModePolicy("wide"); got != RefuseMode || err == nil {
		t.Errorf("another word: %v, %v, want %v, an error", got, err, RefuseMode)
	}
}

// TestPrivateDirectoryKeepsItsFilesPrivate creates a directory with 0700 where only files inherit an entry for
// everybody. Others can pass the directory, so its files must not inherit that entry (M-43). A later 0755 by the
// creator brings it back, and setting the mode that is shown changes nothing (M-42).
func TestPrivateDirectoryKeepsItsFilesPrivate(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:"+user(alice)+"G:SYD:P(A;OICI;FA;;;"+user(alice)+")(A;OI;FR;;;WD)(A;;0x1200a9;;;WD)")
	w.sees(alice, "700", "sh", "-c", "umask 022; mkdir -m 700 d/own && echo secret > d/own/f && stat -c %a d/own")
	w.refused(bob, "Permission denied", "cat", "d/own/f")
	w.sees(alice, "", "sh", "-c", "mkdir -m 700 d/copied && chmod 755 d/copied && echo public > d/copied/f")
	w.sees(bob, "public", "cat", "d/copied/f")
	w.sees(alice, "", "sh", "-c", "mkdir d/old && echo public > d/old/f && chmod 700 d/old && echo public > d/old/g")
	w.sees(bob, "public", "cat", "d/old/g")
}

// TestChmodToCurrentModeSucceeds checks that, where chmod is configured to fail, setting the current permissions of a
// file, directory or link succeeds, setting others fails, and neither affects the rest of the call (M-44).
func TestChmodToCurrentModeSucceeds(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Modes = RefuseMode })
	w.describe("", full)
	w.file("f", "text", full)
	w.dir("d", full)
	w.link("l", "f", full)
	for name, shown := range map[string]uint32{"f": 0o775, "d": 0o775, "l": 0o777} {
		node := w.known(alice, name)
		for _, mode := range []uint32{0o755, 0o775, 0o777, 0o754, 0o655, 0o4755, 0o4775, 0o2755, 0o1755, 0o4777, 0o1777, 0,
			syscall.S_IFREG | 0o775, syscall.S_IFDIR | 0o775, syscall.S_IFLNK | 0o777} {
			want := unix.EPERM
			if mode&0o7777 == shown {
				want = 0
			}
			in := &fuse.SetAttrIn{}
			in.InHeader, in.Valid, in.Mode = header(alice, node), fuse.FATTR_MODE, mode
			var out fuse.AttrOut
			w.want(fmt.Sprintf("M-44: %s becomes %o", name, mode), w.m.SetAttr(nil, in, &out), want)
			check.That(t, want != 0 || out.Mode&0o7777 == shown,
				"M-44: %s has the mode %o, want %o", name, out.Mode, shown)
		}
	}
}

// TestProgramsSettingModesBehaveLikeOnHost runs programs that set modes, on the mount with full control, on the
// mount with modify, and on the file system below. Exit codes, output and contents must be equal,
// whether modes are narrowed or mapped (M-41, M-42, M-43, M-45). testdata/modes/lines.txt lists the
// names and command lines. Each leaves its result in a directory "out".
func TestProgramsSettingModesBehaveLikeOnHost(t *testing.T) {
	// Users cannot maintain programs in the home of root, such as the shims of pyenv.
	path := filepath.SplitList(os.Getenv("PATH"))
	if home, err := os.UserHomeDir(); err == nil && home != "/" {
		path = slices.DeleteFunc(path, func(dir string) bool { return strings.HasPrefix(dir, home+"/") })
	}
	t.Setenv("PATH", strings.Join(path, string(filepath.ListSeparator)))
	env := sourceOfModes(t)
	below := map[string]string{}
	for name, policy := range map[string]ModePolicy{"narrow": NarrowMode, "map": MapMode} {
		t.Run(name, func(t *testing.T) { programsThatSetModes(t, policy, env, below) })
	}
}

// programsThatSetModes runs the programs on a mount. wants has the results on the file system below, by program and
// user, as far as they are known.
func programsThatSetModes(t *testing.T, policy ModePolicy, env []string, wants map[string]string) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Accounts, c.Modes = inGroups{}, policy })
	w.dir("d", shared)
	list := check.Must(os.ReadFile("testdata/modes/lines.txt"))
	for row := range strings.Lines(string(list)) {
		name, script, _ := strings.Cut(strings.TrimSpace(row), "\t")
		program := strings.Fields(name)[0]
		if program == "shutil" || program == "pip" {
			program = "python3"
		}
		if _, err := exec.LookPath(program); err != nil {
			t.Log("not installed: ", program)
			continue
		}
		for _, uid := range []uint32{alice, bob} {
			if !randtest.Deep() && (uid == alice) != (policy == MapMode) {
				continue // half of the pairs
			}
			run := func(dir string) string {
				scratch := folder(t)
				w.must(os.Chown(scratch, int(uid), int(uid)))
				// The listing has the checksums of files. Links have no contents.
				line := "mkdir -p $HERE && cd $HERE && (" + script + ") >$T/said 2>&1; echo exit $?; " +
					"sed s,$HERE,HERE,g $T/said; find out -type f -exec md5sum {} + | sort -k2; find out -type d -o -type l | sort"
				cmd := as(uid, "sh", "-c", line)
				cmd.Env = append(append(cmd.Env, env...), "T="+scratch, "HOME="+scratch,
					fmt.Sprintf("HERE=%s/%s-%d", dir, strings.ReplaceAll(name, " ", ""), uid))
				out, err := cmd.CombinedOutput()
				check.That(t, err == nil, "%s as %d: %v", name, uid, err)
				return string(out)
			}
			key := fmt.Sprint(name, " ", uid)
			want, known := wants[key]
			if !known {
				below := folder(t)
				w.must(os.Chmod(below, 0o777))
				want = run(below)
				wants[key] = want
			}
			if !strings.HasPrefix(want, "exit 0\n") {
				t.Errorf("%s as %d on the file system below: %s", name, uid, want)
				continue
			}
			if got := run(filepath.Join(w.at, "d")); got != want {
				t.Errorf("%s as %d on the mount:\n%s\nwant\n%s", name, uid, got, want)
			}
		}
	}
}

// inGroups has the accounts of the tests. Their primary group is that of their program, as on the host.
type inGroups struct{ people }

// LogOn implements Accounts.
func (p inGroups) LogOn(uid, gid uint32) (logon.Result, error) {
	r, err := p.people.LogOn(uid, gid)
	r.Token.PrimaryGroup = fileaccess.UnixGroup(gid)
	return r, err
}

// sourceOfModes creates the source files of the programs and returns the variables with their
// paths.
func sourceOfModes(t *testing.T) []string {
	t.Helper()
	dir := folder(t)
	if out, err := exec.Command("sh", "testdata/modes/sources.sh", dir).CombinedOutput(); err != nil {
		t.Skip("cannot create the files to copy here: ", string(out), err)
	}
	return []string{"S=" + dir + "/s", "G=" + dir + "/g", "D=" + dir + "/p.deb", "N=" + dir + "/n",
		"W=" + dir + "/p-1-py3-none-any.whl", "APT_CONFIG=" + dir + "/apt.conf"}
}
