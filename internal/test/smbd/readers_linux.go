package smbd

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// readersProgram is a program that decides pairs without any code of ours. It reads a line with its configuration, and
// then lines with lists of [path, person]. For each list it prints a list of booleans: whether smbd's own get_nt_acl
// returns a descriptor whose access check grants the person FILE_GENERIC_READ, and the kernel lets a process of the
// person look the path up.
const readersProgram = `
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

// Person is a person as [Readers] knows it: with its own SID first, and its groups.
type Person struct {
	Name string   `json:"name"`
	UID  int      `json:"uid"`
	GIDs []int    `json:"gids"`
	SIDs []string `json:"sids"`
}

// Pair is a question to [Readers]: a path and the index of a person.
type Pair struct {
	Path   string
	Person int
}

// MarshalJSON returns the pair as a list.
func (p Pair) MarshalJSON() ([]byte, error) { return json.Marshal([2]any{p.Path, p.Person}) }

// Readers is a process with Samba's code, without any of ours, that finds the readers of the files in a folder.
type Readers struct {
	t   testing.TB
	in  *json.Encoder
	out *bufio.Reader
}

// StartReaders starts the process for a folder. It ends with the test. It skips the test if Python has no Samba.
func StartReaders(t testing.TB, folder string, people []Person) *Readers {
	t.Helper()
	module, err := filepath.Glob("/usr/lib/*/samba/vfs/acl_xattr.so")
	if err != nil || len(module) == 0 || exec.Command("/usr/bin/python3", "-c", "import samba.samba3.smbd").Run() != nil {
		Skip(t, "python3 has no Samba here: install the packages python3-samba and samba-vfs-modules")
	}
	scratch := t.TempDir()
	conf := filepath.Join(scratch, "smb.conf")
	lines := "[global]\n\tserver role = standalone server\n\tnetbios name = REFMONTEST\n"
	for _, option := range []string{"private dir", "lock dir", "state directory", "cache directory", "pid directory"} {
		lines += "\t" + option + " = " + scratch + "\n"
	}
	lines += "[srv]\n\tpath = " + folder + "\n\tread only = no\n\tvfs objects = acl_xattr\n"
	if err := os.WriteFile(conf, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", readersProgram)
	cmd.Env, cmd.Stderr = append(os.Environ(), "_NO_WINBINDD=1"), os.Stderr // another server's winbindd is not asked
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	x := &Readers{t: t, in: json.NewEncoder(in), out: bufio.NewReader(out)}
	if err := x.in.Encode(map[string]any{"conf": conf, "people": people}); err != nil {
		t.Fatal(err)
	}
	return x
}

// Allowed reports for each pair whether the person may read the file now.
func (x *Readers) Allowed(pairs []Pair) []bool {
	x.t.Helper()
	if err := x.in.Encode(pairs); err != nil {
		x.t.Fatal(err)
	}
	line, err := x.out.ReadBytes('\n')
	var out []bool
	if err := errors.Join(err, json.Unmarshal(line, &out)); err != nil || len(out) != len(pairs) {
		x.t.Fatalf("Samba's code returned %.200s: %v", line, err)
	}
	return out
}
