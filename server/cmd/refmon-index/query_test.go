package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/queries"
	"github.com/refmon/refmon/winnt"
)

// started is a run over a tree whose files have random modes and, if the file system allows it, random descriptors.
type started struct {
	*testing.T
	tree, state string
	paths       []string
	dir         *directory.Directory
	r           *rand.Rand
}

const startedPeople = 8

// newStarted makes a tree and runs an index over it with the flags of the run command.
func newStarted(t *testing.T, flags ...string) *started {
	t.Helper()
	seed := randtest.Seed(t)
	s := &started{T: t, tree: t.TempDir(), state: filepath.Join(t.TempDir(), "state"),
		r: rand.New(rand.NewPCG(seed, 43))}
	list := filepath.Join(t.TempDir(), "people.yaml")
	var text strings.Builder
	text.WriteString("domain: S-1-5-21-1-2-3\nusers:\n")
	for i := range startedPeople {
		fmt.Fprintf(&text, "- {name: p%d, sid: S-1-5-21-1-2-3-%d, uid: %d, memberOf: [g%d, g%d]}\n", i, 1100+i, 70000+i,
			s.r.IntN(3), s.r.IntN(3))
	}
	text.WriteString("groups:\n")
	for i := range 3 {
		fmt.Fprintf(&text, "- {name: g%d, sid: S-1-5-21-1-2-3-%d, gid: %d}\n", i, 2000+i, 80000+i)
	}
	err := errors.Join(os.WriteFile(list, []byte(text.String()), 0o600), os.Chmod(s.tree, 0o755),
		os.Chmod(filepath.Dir(s.tree), 0o755)) // who-can tests the folders above, too
	check.NoError(t, err)
	if s.dir, err = dirfile.Read([]byte(text.String())); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		s.file(filepath.Join(s.tree, fmt.Sprint("d", i%5), fmt.Sprint("f", i)))
	}
	s.start(append([]string{"--directory", list}, flags...))
	return s
}

// file creates a file, and its folder if it is missing.
func (s *started) file(path string) {
	s.Helper()
	modes := []os.FileMode{0o755, 0o755, 0o700}
	folder := filepath.Dir(path)
	if os.Mkdir(folder, 0o755) == nil {
		check.NoError(s, os.Chmod(folder, modes[s.r.IntN(3)]))
		s.paths = append(s.paths, folder)
	}
	mode := []os.FileMode{0o644, 0o600, 0o640}[s.r.IntN(3)]
	check.NoError(s, errors.Join(os.WriteFile(path, nil, mode), os.Chmod(path, mode)))
	s.paths = append(s.paths, path)
	var entries strings.Builder
	for range s.r.IntN(4) {
		fmt.Fprintf(&entries, "(%s;;%s;;;S-1-5-21-1-2-3-%d)", []string{"A", "A", "D"}[s.r.IntN(3)],
			[]string{"FR", "FA", "0x1"}[s.r.IntN(3)], []int{2000, 2001, 2002, 1100 + s.r.IntN(startedPeople)}[s.r.IntN(4)])
	}
	a := ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse("O:SYG:SYD:" + entries.String())}
	if value, err := a.Append(nil); err == nil && s.r.IntN(4) > 0 {
		_ = unix.Setxattr(path, ntacl.Name, value, 0) // without the right to set it, the modes decide
	}
}

// start runs the index until the end of the test, as the run command does with these flags.
func (s *started) start(flags []string) {
	s.Helper()
	c := runCmd{}
	parse(s.T, &c, append(flags, "--tree", s.tree, "--state", s.state, "--no-events"))
	text, guard, err := c.share(func(err error) { s.Log(err) })
	check.NoError(s, err)
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- index.Run(ctx, index.Config{Trees: c.Tree, Directory: c.Directory, Rights: c.Right, Share: text,
			Guard: guard, Traverse: index.Traverse(c.Traverse), State: c.State, NoEvents: true, Beat: 20 * time.Millisecond,
			Ready: func() { close(ready) }, Query: c.serve(c.State, nil, func(err error) { s.Error(err) })})
	}()
	select {
	case <-ready:
	case err := <-ended:
		s.Fatal(err)
	}
	s.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.Error(err)
		}
	})
}

// command runs a command and returns its output without times and its exit code.
func (s *started) command(args ...string) string {
	var out bytes.Buffer
	code := run(append(args, "--state", s.state, "--limit", "1h"), &streams{out: &out, err: &out})
	return fmt.Sprintf("%s\nexit code %d", changing.ReplaceAllString(out.String(), "$1"), code)
}

// parse reads flags of a command.
func parse(t *testing.T, c any, args []string) {
	t.Helper()
	parser, err := kong.New(c, kong.Vars{"traverse": traverseHelp, "share": shareHelp})
	if err == nil {
		_, err = parser.Parse(args)
	}
	check.NoError(t, err)
}

// whoCan computes the answers of who-can about the tree, with the search permissions of the parent folders.
func (s *started) whoCan(dir *directory.Directory, rights string, c *shares.Config) map[string]map[string][]string {
	s.Helper()
	parsed := check.Must(words.Parse(rights))
	var out bytes.Buffer
	run := bulk.Run{Directory: dir, Rights: parsed, Format: bulk.JSONL, Out: &out,
		Source: tree.Files([]string{s.tree}, tree.Options{Recurse: true, Way: true, Attribute: c.Attribute,
			IgnoreSystemACLs: c.IgnorePOSIX})}
	check.NoError(s, check.Err(run.Do(s.Context())))
	all := map[string]map[string][]string{}
	for line := range strings.Lines(out.String()) {
		var row struct {
			Path, Right string
			Principals  []string
		}
		check.NoError(s, json.Unmarshal([]byte(line), &row))
		if all[row.Path] == nil {
			all[row.Path] = map[string][]string{}
		}
		all[row.Path][row.Right] = row.Principals
	}
	return all
}

// changing matches the parts of an output that change with each heartbeat.
var changing = regexp.MustCompile(`("time":|heartbeat   |as of       )[^ ,}\n]*`)

// A query names exactly one person or one token file. Other arguments, malformed and endless tokens are errors.
func TestSubjectIsOnePersonOrToken(t *testing.T) {
	good, bad := filepath.Join(t.TempDir(), "good"), filepath.Join(t.TempDir(), "bad")
	check.NoError(t, os.WriteFile(good, []byte(`{"user":"S-1-5-21-1-2-3-1001"}`), 0o600))
	check.NoError(t, os.WriteFile(bad, []byte(`{"user":"nobody"}`), 0o600))
	for _, c := range []struct {
		subject
		ok bool
	}{{subject{Who: "alice"}, true}, {subject{Token: good}, true}, {subject{}, false}, {subject{Token: bad}, false},
		{subject{Who: "alice", Token: good}, false}, {subject{Token: good + "x"}, false},
		{subject{Token: "/dev/zero"}, false}} {
		a, q, err := c.about("read", time.Minute)
		check.That(t, (err == nil) == c.ok, "%+v: %v, want an error: %t", c.subject, err, !c.ok)
		check.That(t, !c.ok || (q.Token != nil) == (c.Token != "") && (a.Token != nil) == (c.Token != "") && q.Who == c.Who &&
			a.Who == c.Who && a.Right == "read" && q.Right == "read" && a.Limit == time.Minute && q.Limit == time.Minute,
			"%+v: %+v, %+v, want the command's arguments", c.subject, a, q)
	}
}

// TestRunAndStoredIndexAnswerAlike compares all query commands while a run answers with their answers from its log, on
// a random tree, for people and for a token. Only the entry that refused a person and a person's SIDs need
// a run (N-97).
func TestRunAndStoredIndexAnswerAlike(t *testing.T) {
	t.Parallel()
	s := newStarted(t)
	file := filepath.Join(t.TempDir(), "token.json")
	const tok = `{"user":"S-1-5-21-1-2-3-1100","groups":["S-1-5-21-1-2-3-2001"]}`
	check.NoError(t, os.WriteFile(file, []byte(tok), 0o600))
	var questions [][]string
	for i, path := range append(s.paths, s.tree, s.tree+"/none", "/none") {
		if !randtest.Deep() && i%4 > 0 {
			continue
		}
		who := fmt.Sprint("p", s.r.IntN(startedPeople))
		questions = append(questions, []string{"can-read", path, who, "--json"}, []string{"why", path, who},
			[]string{"why", path, "--token", file}, []string{"can-read", path, "--token", file})
	}
	for i := range startedPeople {
		questions = append(questions, []string{"filter", fmt.Sprint("p", i)},
			[]string{"filter", fmt.Sprint("p", i), "--form", "bitmap"})
	}
	questions = append(questions, []string{"filter", "--token", file},
		[]string{"filter", "--token", file, "--form", "sids"}, []string{"filter", "nobody"},
		[]string{"filter", "p1", "-w", "write"}, []string{"can-read", s.paths[1], "nobody"},
		[]string{"can-read", s.paths[1], "p1", "-w", "fly"},
		[]string{"why", s.paths[1], "p1", "-w", "fly"}, []string{"status"}, []string{"listed"})
	refusals := 0
	for _, args := range questions {
		fromRun := s.command(args...)
		if args[0] == "why" && args[2] != "--token" {
			before := fromRun
			if fromRun = regexp.MustCompile(`refused by .*\n`).ReplaceAllString(fromRun, ""); fromRun != before {
				refusals++
			}
		}
		s.withoutRun(func() {
			if fromLog := s.command(args...); fromLog != fromRun {
				t.Errorf("%q:\nfrom the run\n%s\nfrom the folder\n%s", args, fromRun, fromLog)
			}
		})
	}
	check.That(t, refusals != 0, "no run named the entry that refused")
	err := (&queryFlags{State: s.state}).ask(func(*queries.Client) error { return errNo }, func(*index.Index) error {
		t.Error("the files answer a question that the run refused")
		return nil
	})
	check.ErrorIs(t, err, errNo, "the error of a run")
}

// withoutRun calls f while nobody listens on the socket, and again while a program there hangs up.
func (s *started) withoutRun(f func()) {
	s.Helper()
	at := filepath.Join(s.state, queries.SocketName)
	check.NoError(s, os.Rename(at, at+".away"))
	f()
	l := check.Must(net.Listen("unix", at))
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			_ = c.Close()
		}
	}()
	f()
	check.NoError(s, errors.Join(l.Close(), os.Rename(at+".away", at)))
}

// TestShareDescriptorRefuses checks that the evidence names the entry of the share's descriptor that refused.
func TestShareDescriptorRefuses(t *testing.T) {
	s := newStarted(t, "--share", "O:BAG:SYD:(D;;FR;;;S-1-5-21-1-2-3-1101)(A;;FA;;;WD)")
	const want = "refused by  the share: entry 1 of its DACL denies read to S-1-5-21-1-2-3-1101\n"
	if why := s.command("why", s.tree, "p1"); !strings.Contains(why, want) {
		t.Errorf("%s\nwant %s", why, want)
	}
}

// TestPersonTermsMatchReadableDocuments checks that the terms of a person match the documents that the person may read,
// and no other (N-97): a document's terms are the SIDs that allow and the members that none of them covers.
func TestPersonTermsMatchReadableDocuments(t *testing.T) {
	s := newStarted(t)
	x := check.Must(index.Open(s.state, time.Hour))
	defer x.Close()
	run, err := queries.Dial(s.state)
	check.NoError(t, err)
	defer run.Close()
	found := 0
	for i := range startedPeople {
		who := queries.About{Subject: queries.Subject{Who: fmt.Sprint("p", i)}, Right: "read", Limit: time.Hour}
		f, err := run.Filter(who, index.FormSIDs)
		check.RequireThat(t, err == nil && len(f.SIDs) != 0 && f.Classes == nil, "%+v, %v, want SIDs", f, err)
		for _, path := range s.paths {
			a := x.CanRead(path, who.Who, "read")
			e, _ := x.Why(a)
			check.RequireThat(t, e != nil, "%s: %+v, want a class", path, a)
			matches := slices.ContainsFunc(slices.Concat(e.Allow, e.Expand), func(s string) bool {
				return slices.Contains(f.SIDs, s)
			})
			check.Equal(t, matches, a.Allowed, "%s %s: the terms match", path, who.Who)
			if matches {
				found++
			}
		}
	}
	check.That(t, found != 0, "no terms match a document")
	s.withoutRun(func() {
		if got := s.command("filter", "p1", "--form", "sids"); !strings.HasSuffix(got, "exit code 2") {
			t.Errorf("from the folder: %s, want exit code 2", got)
		}
	})
}

// TestIndexOfShareAgreesWithWhoCan compares the index of a share of smb.conf with what who-can computes for the same
// section: lists of names, forced users and groups, administrators and a read-only share (N-100).
func TestIndexOfShareAgreesWithWhoCan(t *testing.T) {
	for name, section := range map[string]string{
		"valid users":      "valid users = @g1 p2\n",
		"invalid users":    "invalid users = @g0\nread only = no\n",
		"admin users":      "admin users = p3 @g2\nvalid users = p3 @g1\n",
		"force user":       "force user = p4\nvalid users = @g1\n",
		"force group":      "force group = g2\n",
		"no such user":     "force user = nobody\n",
		"unresolved names": "valid users = p1 ghost p2\n",
		"other attribute":  "acl_xattr:security_acl_name = user.none\n",
	} {
		t.Run(name, func(t *testing.T) {
			conf := filepath.Join(t.TempDir(), "smb.conf")
			check.NoError(t, os.WriteFile(conf, []byte("[global]\n[docs]\npath = /srv\n"+section), 0o600))
			s := newStarted(t, "--share", conf+":docs", "--right", "read+write")
			c, err := shares.ParseConfig([]byte("[docs]\n"+section), "docs")
			check.NoError(t, err)
			guarded, err := c.Guard(s.dir, nil).Apply()
			check.NoError(t, err)
			want := s.whoCan(guarded, "read+write", c)
			x := check.Must(index.Open(s.state, time.Hour))
			defer x.Close()
			for _, path := range s.paths {
				for i := range startedPeople {
					for _, right := range []string{"read", "write"} {
						who := fmt.Sprint("p", i)
						may := slices.Contains(want[path][right], who)
						if a := x.CanRead(path, who, right); a.Allowed != may || a.Because != "" {
							t.Errorf("%s %s %s: %+v, who-can %t", who, right, path, a, may)
						}
					}
				}
			}
			if got := s.command("filter", "p1", "--right", "read", "--form", "list"); !strings.HasSuffix(got, "exit code 0") {
				t.Errorf("filter: %s", got)
			}
			if why := s.command("why", s.tree, "p1", "-w", "write"); strings.Contains(why, "refused by  the share: its con") !=
				(guarded.Principals[1].Withheld&winnt.FILE_WRITE_DATA != 0) {
				t.Errorf("%s\nwithheld: %v", why, guarded.Principals[1].Withheld)
			}
			if a := x.CanReadAs(s.paths[1], guarded.Principals[1].Token, "read"); a.Allowed || a.Because == "" {
				t.Errorf("%+v, want no answer about a token", a)
			}
		})
	}
}

// TestDocumentNameIsAbsolute checks the name of a document in a query: a relative path gets the working directory, and
// an absolute one loses only the slashes that a shell's completion puts after a folder.
func TestDocumentNameIsAbsolute(t *testing.T) {
	t.Chdir("/")
	for path, want := range map[string]string{"a": "/a", "a/../b": "/b", "/a": "/a", "/a/../b": "/a/../b",
		"//a/": "//a", "/a/": "/a", "/a///": "/a", "/a//b": "/a//b", "/": "/", "a/": "/a"} {
		check.Equal(t, (&canReadCmd{Document: path}).document(), want, "%q", path)
	}
}
