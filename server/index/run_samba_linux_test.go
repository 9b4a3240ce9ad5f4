package index_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
)

// sambaOracle is a program that decides pairs without any code of ours. It reads a line with its configuration, and
// then lines with lists of [path, person]. For each list it prints a list of booleans: whether smbd's own get_nt_acl
// returns a descriptor whose access check grants the person FILE_GENERIC_READ, and the kernel lets a process of the
// person look the path up.
const sambaOracle = `
import json, os, sys
from samba import NTSTATUSError, security
from samba.auth_util import system_session_unix
from samba.dcerpc import security as sec
from samba.samba3 import param, smbd
setup = json.loads(sys.stdin.readline())
param.get_context().load(setup["conf"])
session = system_session_unix()

def token(p):
    out = sec.token()
    sids = p["sids"] + ["S-1-1-0", "S-1-5-2", "S-1-5-11", "S-1-22-1-%d" % p["uid"]]
    sids += ["S-1-22-2-%d" % g for g in p["gids"]]
    out.sids = [sec.dom_sid(s) for s in sids]
    out.num_sids = len(sids)
    return out

def reachable(p, paths):
    r, w = os.pipe()
    if os.fork() == 0:
        os.setgroups(p["gids"])
        os.setresgid(40000, 40000, 40000)
        os.setresuid(p["uid"], p["uid"], p["uid"])
        out = bytearray()
        for path in paths:
            try:
                os.lstat(path)
                out += b"1"
            except PermissionError:
                out += b"0"
        with os.fdopen(w, "wb") as f:
            f.write(out)
        os._exit(0)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        out = f.read()
    os.wait()
    assert len(out) == len(paths)
    return [c == ord("1") for c in out]

people = [(p, token(p)) for p in setup["people"]]
for line in sys.stdin:
    pairs = json.loads(line)
    descriptors, answers = {}, [False] * len(pairs)
    for path in {path for path, _ in pairs}:
        descriptors[path] = smbd.get_nt_acl(path, sec.SECINFO_OWNER | sec.SECINFO_GROUP | sec.SECINFO_DACL, session,
                                            service="srv")
    by = {}
    for n, (_, who) in enumerate(pairs):
        by.setdefault(who, []).append(n)
    for who, list in by.items():
        person, tok = people[who]
        for n, way in zip(list, reachable(person, [pairs[n][0] for n in list])):
            try:
                answers[n] = way and security.access_check(descriptors[pairs[n][0]], tok, 0x120089) == 0x120089
            except NTSTATUSError:
                pass
    print(json.dumps(answers), flush=True)
`

// sambaPerson is a person as the oracle knows it.
type sambaPerson struct {
	Name string   `json:"name"`
	UID  int      `json:"uid"`
	GIDs []int    `json:"gids"`
	SIDs []string `json:"sids"`
}

// sambaTree is a live index with a database, and the oracle of its tree.
type sambaTree struct {
	*live
	r      *rand.Rand
	people []sambaPerson
	server postgres.Server
	in     *json.Encoder
	out    *bufio.Reader
}

const sambaPeople, sambaGroups = 40, 8

// TestIndexEqualsSamba changes a live tree with closed folders, hard links, long names, POSIX ACLs and descriptors at
// random, kills the run with SIGKILL and its database too, and compares answers with smbd's. The pairs are drawn after
// the changes, with a seed of that time. REFMON_SAMBA_PAIRS sets their number.
func TestIndexEqualsSamba(t *testing.T) {
	module, err := filepath.Glob("/usr/lib/*/samba/vfs/acl_xattr.so")
	if err != nil || len(module) == 0 || exec.Command("/usr/bin/python3", "-c", "import samba.samba3.smbd").Run() != nil {
		smbd.Skip(t, "python3 has no Samba here: install the packages python3-samba and samba-vfs-modules")
	}
	s := &sambaTree{live: newLive(t, false), server: postgres.Start(t), r: rand.New(rand.NewPCG(randtest.Seed(t), 43))}
	s.config.Traverse = index.TraverseHost
	s.dsn = "host=" + s.server.Dir + " dbname=postgres user=" + postgres.Owner
	for dir := s.tree; len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) { // the index does not test folders above
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.startOracle()
	pairs := randtest.Count(t, "REFMON_SAMBA_PAIRS", 100_000)
	for range max(300, pairs/50) {
		s.change()
	}
	const rounds = 5
	run, kills := s.child(), 0
	for round := range rounds {
		for range max(40, pairs/500) {
			s.change()
		}
		if round%2 == 0 {
			s.server.Crash()
			s.server.Again()
			s.change()
		} else if kills++; true {
			if err := run.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = run.Wait() // it was killed
			for range 20 {
				s.change()
			}
			run = s.child()
		}
		s.compareWithSamba(pairs / rounds)
	}
}

// startOracle writes the directory and starts the oracle.
func (s *sambaTree) startOracle() {
	s.t.Helper()
	type user struct {
		Name     string   `json:"name"`
		SID      string   `json:"sid"`
		UID      int      `json:"uid"`
		MemberOf []string `json:"memberOf"`
	}
	type group struct {
		Name string `json:"name"`
		SID  string `json:"sid"`
		GID  int    `json:"gid"`
	}
	var dir struct {
		Domain string  `json:"domain"`
		Users  []user  `json:"users"`
		Groups []group `json:"groups"`
	}
	dir.Domain = "S-1-5-21-1-2-3"
	for n := range sambaGroups {
		dir.Groups = append(dir.Groups, group{fmt.Sprint("g", n), s.groupSID(n), 30000 + n})
	}
	for n := range sambaPeople {
		p := sambaPerson{Name: fmt.Sprint("p", n), UID: 20000 + n, SIDs: []string{s.personSID(n)}, GIDs: []int{}}
		u := user{Name: p.Name, SID: p.SIDs[0], UID: p.UID}
		for g := range sambaGroups {
			if s.r.IntN(4) == 0 {
				p.GIDs, p.SIDs = append(p.GIDs, 30000+g), append(p.SIDs, s.groupSID(g))
				u.MemberOf = append(u.MemberOf, fmt.Sprint("g", g))
			}
		}
		s.people, dir.Users = append(s.people, p), append(dir.Users, u)
	}
	text, err := json.Marshal(dir)
	if err := errors.Join(err, os.WriteFile(s.config.Directory, text, 0o600)); err != nil {
		s.t.Fatal(err)
	}
	scratch := s.t.TempDir()
	conf := filepath.Join(scratch, "smb.conf")
	lines := "[global]\n\tserver role = standalone server\n\tnetbios name = REFMONTEST\n"
	for _, option := range []string{"private dir", "lock dir", "state directory", "cache directory", "pid directory"} {
		lines += "\t" + option + " = " + scratch + "\n"
	}
	lines += "[srv]\n\tpath = " + s.tree + "\n\tread only = no\n\tvfs objects = acl_xattr\n"
	if err := os.WriteFile(conf, []byte(lines), 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", sambaOracle)
	cmd.Env, cmd.Stderr = append(os.Environ(), "_NO_WINBINDD=1"), os.Stderr // another server's winbindd is not asked
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			s.t.Error(err)
		}
	})
	s.in, s.out = json.NewEncoder(in), bufio.NewReader(out)
	if err := s.in.Encode(map[string]any{"conf": conf, "people": s.people}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sambaTree) personSID(n int) string { return fmt.Sprintf("S-1-5-21-1-2-3-%d", 5000+n) }

func (s *sambaTree) groupSID(n int) string { return fmt.Sprintf("S-1-5-21-1-2-3-%d", 6000+n) }

// name returns one of the tree's folders, or a file of one. Some names are long.
func (s *sambaTree) name(file bool) string {
	at := s.tree
	for range 1 + s.r.IntN(4) {
		n := fmt.Sprint("d", s.r.IntN(4))
		if s.r.IntN(8) == 0 {
			n = strings.Repeat(n, 120)
		}
		at = filepath.Join(at, n)
	}
	if file {
		n := fmt.Sprint("f", s.r.IntN(12), "ü '")
		if s.r.IntN(8) == 0 {
			n = n + strings.Repeat("n", 240)
		}
		at = filepath.Join(at, n)
	}
	return at
}

// change changes a random file or folder in a random way. A change that the state of the tree does not allow is none.
func (s *sambaTree) change() {
	s.t.Helper()
	file := s.r.IntN(4) > 0
	at, err := s.name(file), error(nil)
	modes := []fs.FileMode{0o755, 0o711, 0o700, 0o750, 0o705, 0o644, 0o640, 0o604, 0o600}
	if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil && file {
		var f *os.File
		if f, err = os.OpenFile(at, os.O_CREATE, 0o644); err == nil {
			err = f.Close()
		}
	} else if err == nil {
		err = os.MkdirAll(at, 0o755)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	switch s.r.IntN(9) {
	case 0:
		err = os.Remove(at)
	case 1:
		err = os.Rename(at, s.name(file))
	case 2:
		err = os.Link(at, s.name(true))
	case 3:
		err = os.Chown(at, 20000+s.r.IntN(sambaPeople), 30000+s.r.IntN(sambaGroups))
	case 4:
		if err = os.Chmod(at, modes[s.r.IntN(5)]); file {
			err = os.Chmod(at, modes[s.r.IntN(len(modes))])
		}
	case 5:
		err = unix.Setxattr(at, "system.posix_acl_access", s.posixACL(), 0)
	case 6:
		err = unix.Removexattr(at, ntacl.Name)
	default:
		err = s.describe(at)
	}
	for _, may := range []error{fs.ErrNotExist, fs.ErrExist, unix.ENOTEMPTY, unix.EPERM, unix.ENODATA, unix.EISDIR,
		unix.ENOTDIR, unix.EINVAL} {
		if errors.Is(err, may) {
			return
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// posixACL returns an ACL with a named user and a named group.
func (s *sambaTree) posixACL() []byte {
	out := []byte{2, 0, 0, 0}
	perm := func() uint32 { return uint32(s.r.IntN(8)) }
	for _, e := range []struct{ tag, perm, id uint32 }{{1, 7, ^uint32(0)}, {2, perm(), 20000 + s.r.Uint32N(sambaPeople)},
		{4, perm(), ^uint32(0)}, {8, perm(), 30000 + s.r.Uint32N(sambaGroups)}, {0x10, perm() | 5, ^uint32(0)},
		{0x20, perm(), ^uint32(0)}} {
		out = append(out, byte(e.tag), 0, byte(e.perm), 0, byte(e.id), byte(e.id>>8), byte(e.id>>16), byte(e.id>>24))
	}
	return out
}

// describe stores a random descriptor in Samba's attribute.
func (s *sambaTree) describe(at string) error {
	who := func() string {
		switch s.r.IntN(6) {
		case 0:
			return []string{"WD", "AU", "OW", "NU"}[s.r.IntN(4)]
		case 1, 2:
			return s.personSID(s.r.IntN(sambaPeople))
		}
		return s.groupSID(s.r.IntN(sambaGroups))
	}
	text := "O:" + s.personSID(s.r.IntN(sambaPeople)) + "G:" + s.groupSID(s.r.IntN(sambaGroups)) + "D:P"
	for range s.r.IntN(5) {
		text += fmt.Sprintf("(%s;%s;%s;;;%s)", []string{"A", "A", "A", "D"}[s.r.IntN(4)],
			[]string{"", "", "", "ID", "OICIIO"}[s.r.IntN(5)],
			[]string{"0x120089", "0x1f01ff", "0x1", "0x120088", "0x1301bf"}[s.r.IntN(5)], who())
	}
	value, err := (&ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse(text)}).Append(nil)
	if err != nil {
		return err
	}
	return unix.Setxattr(at, ntacl.Name, value, 0)
}

// compareWithSamba waits for heartbeats later than now and compares random pairs of the tree's documents and people.
func (s *sambaTree) compareWithSamba(pairs int) {
	s.t.Helper()
	x := s.open(time.Hour)
	s.awaitHeartbeats(x)
	var paths []string
	err := filepath.WalkDir(s.tree, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	seed := rand.Uint64() // after everything that the answers depend on
	r := rand.New(rand.NewPCG(seed, 1))
	ask := make([][2]any, pairs)
	for n := range ask {
		ask[n] = [2]any{paths[r.IntN(len(paths))], r.IntN(len(s.people))}
	}
	if err := s.in.Encode(ask); err != nil {
		s.t.Fatal(err)
	}
	line, err := s.out.ReadBytes('\n')
	var want []bool
	if err := errors.Join(err, json.Unmarshal(line, &want)); err != nil || len(want) != pairs {
		s.t.Fatalf("the oracle answers %.200s: %v", line, err)
	}
	yes, different := 0, 0
	for n, may := range want {
		path, p := ask[n][0].(string), &s.people[ask[n][1].(int)]
		if may {
			yes++
		}
		if a := x.CanRead(path, p.Name, "read"); a.Allowed != may || a.Because != "" {
			if different++; different < 5 {
				s.t.Errorf("seed %d: %s %q: %+v, Samba says %v", seed, p.Name, path, a, may)
			}
		}
	}
	s.t.Logf("%d pairs of %d documents and %d people, seed %d: %d allowed, %d differences", pairs, len(paths),
		len(s.people), seed, yes, different)
	if yes < pairs/50 || yes > pairs*49/50 {
		s.t.Errorf("of %d pairs %d are allowed", pairs, yes)
	}
	s.compareDatabase(x, paths, r)
}

// awaitHeartbeats waits until both sources have a heartbeat later than now, in the folder and in the database.
func (s *sambaTree) awaitHeartbeats(x *index.Index) {
	s.t.Helper()
	for present := time.Now(); s.t.Context().Err() == nil; time.Sleep(5 * time.Millisecond) {
		list, err := x.Heartbeats()
		if err == nil && len(list) == 2 && list[0].Time.After(present) && list[1].Time.After(present) {
			return
		}
	}
	s.t.Fatal("no heartbeat")
}

// compareDatabase compares what the database shows to three people with the index, which equals Samba.
func (s *sambaTree) compareDatabase(x *index.Index, paths []string, r *rand.Rand) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for range 3 {
		p, want := &s.people[r.IntN(len(s.people))], map[string]bool{}
		for _, path := range paths {
			if x.CanRead(path, p.Name, "read").Allowed {
				want[path] = true
			}
		}
		rows, err := conn.Query(s.t.Context(), `select id from refmon.documents join refmon.members using (class)
			where sid = $1 and right_name = 'read' and tree = any (refmon.fresh())`, p.SIDs[0])
		if err != nil {
			s.t.Fatal(err)
		}
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			s.t.Fatal(err)
		}
		got := map[string]bool{}
		for _, id := range list {
			got[id] = true
		}
		if !maps.Equal(got, want) {
			s.t.Errorf("the database shows %s %d documents, want %d", p.Name, len(got), len(slices.Collect(maps.Keys(want))))
		}
	}
}
