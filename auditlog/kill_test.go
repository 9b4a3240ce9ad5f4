//go:build unix

package auditlog

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/audit"
)

// victim, set in the environment, makes this program the one that is killed: it
// writes to the folder and prints each acknowledged name.
const victim = "REFMON_AUDITLOG_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victim); dir != "" {
		write(dir)
		return
	}
	if key := os.Getenv(signing); key != "" {
		sign(key)
		return
	}
	os.Exit(m.Run())
}

// signing, set in the environment, makes this program a signer with the key in
// that file.
const signing = "REFMON_AUDITLOG_SIGNER"

func sign(file string) {
	s, err := LoadKey(file)
	if err != nil {
		os.Exit(2)
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		os.Exit(2)
	}
	sig, err := s.Sign(text)
	if err != nil {
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "what a program says besides is no part of the signature")
	fmt.Println(base64.StdEncoding.EncodeToString(sig))
}

// TestCommandSigner: a program of the site signs, and one that signs with
// another key is refused (U-71).
func TestCommandSigner(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if _, err := CreateKey(filepath.Join(dir, name), "host.example/audit"); err != nil {
			t.Fatal(err)
		}
	}
	public, err := os.ReadFile(filepath.Join(dir, "a.pub"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := CommandSigner(strings.TrimSpace(string(public)), os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dir: filepath.Join(dir, "log"), Signers: []note.Signer{s}}
	t.Setenv(signing, filepath.Join(dir, "b"))
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "no signature of key") {
		t.Errorf("another key: %v", err)
	}
	t.Setenv(signing, filepath.Join(dir, "a"))
	for range 2 {
		l := mustOpen(t, cfg)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := ReadPublicKey(filepath.Join(dir, "a.pub"))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := Verify(Verification{Dir: cfg.Dir, Keys: keys}); err != nil || v.Last != 4 {
		t.Errorf("%+v, %v", v, err)
	}
}

// write writes from several goroutines until it is killed, or to the number of
// records that REFMON_AUDITLOG_RECORDS says.
func write(dir string) {
	limit, err := strconv.Atoi(os.Getenv("REFMON_AUDITLOG_RECORDS"))
	if err != nil {
		limit = 1 << 30
	}
	l, err := Open(Config{Dir: dir, SegmentBytes: 200_000, CheckpointRecords: 100})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	var all sync.WaitGroup
	for g := range 16 {
		all.Go(func() {
			for i := 0; i < limit/16; i++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), g, i)
				if l.Write(audit.LogArchived(name)) == nil {
					_, _ = os.Stdout.WriteString("ack " + name + "\n")
				}
			}
		})
	}
	all.Wait()
	if err := l.Close(); err != nil {
		fmt.Println("error", err)
	}
}

func startVictim(t *testing.T, dir string, more ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), victim+"="+dir), more...)
	out := &bytes.Buffer{}
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// kills returns how often TestKill kills: REFMON_KILLS, else 10.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("REFMON_KILLS")); err == nil {
		return n
	}
	return 10
}

// TestKill kills a process that writes, at random times: what it had
// acknowledged is there, RecordIds only grow, and everything verifies (U-61,
// U-63; UC-51).
func TestKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	rnd := rand.New(rand.NewPCG(7, 8))
	acknowledged := map[string]bool{}
	for range kills() {
		cmd, out := startVictim(t, dir)
		time.Sleep(20*time.Millisecond + time.Duration(rnd.IntN(60))*time.Millisecond)
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		lines := bufio.NewScanner(bytes.NewReader(out.Bytes()))
		whole := bytes.LastIndexByte(out.Bytes(), '\n')
		for at := 0; lines.Scan(); at += len(lines.Bytes()) + 1 {
			if name, ok := strings.CutPrefix(lines.Text(), "ack "); ok && at < whole {
				acknowledged[name] = true
			}
		}
		if _, err := os.Stat(filepath.Join(dir, checkpointName)); err != nil {
			continue // killed before there was a log
		}
		l := mustOpen(t, Config{Dir: dir})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		mustVerify(t, dir)
	}
	last, seen := uint64(0), map[string]bool{}
	if _, err := os.Stat(filepath.Join(dir, checkpointName)); err == nil {
		for _, e := range recordsOf(t, folder{dir}) {
			if e.RecordID != last+1 {
				t.Fatalf("record %d follows %d", e.RecordID, last)
			}
			last = e.RecordID
			name, _ := e.Field("BackupPath")
			seen[name] = true
		}
	}
	for name := range acknowledged {
		if !seen[name] {
			t.Errorf("%s was acknowledged and is gone", name)
		}
	}
	t.Logf("%d kills, %d records acknowledged, %d there", kills(), len(acknowledged), last)
}

// throughSeam are the system calls on files that a log makes through its disk;
// each has a method there that tests let fail.
var throughSeam = map[string]string{
	"openat": "Create, Open, List, SyncDir", "pwrite64": "WriteAt", "fdatasync": "Sync",
	"fsync": "SyncDir", "ftruncate": "Truncate",
	"renameat": "Rename", "unlinkat": "Remove", "rmdir": "Remove", "mkdirat": "Mkdir", "flock": "Lock",
	"unlink": "Remove", "rename": "Rename",
	"renameat2": "Rename", "mkdir": "Mkdir",
}

// TestSeamIsComplete traces a process that writes: every system call that
// changes a file is one that the seam stands before.
func TestSeamIsComplete(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not here: whether the seam is complete is not tested")
	}
	dir := filepath.Join(t.TempDir(), "log")
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(strace, "-f", "-qq", "-y", "-o", trace, "-e", "trace=%file,%desc", os.Args[0])
	cmd.Env = append(os.Environ(), victim+"="+dir, "REFMON_AUDITLOG_RECORDS=800")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("strace does not run here (%v): %.200s", err, out)
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	harmless := map[string]bool{"read": true, "pread64": true, "close": true, "fstat": true, "newfstatat": true,
		"fcntl": true, "getdents64": true,
		"epoll_ctl": true, "epoll_create1": true, "epoll_pwait": true, "eventfd2": true, "lseek": true,
		"readlinkat": true, "statx": true, "faccessat2": true}
	seen := map[string]int{}
	for line := range strings.SplitSeq(string(b), "\n") {
		if !strings.Contains(line, dir) {
			continue // not a file of the log
		}
		_, call, _ := strings.Cut(strings.TrimSpace(line), " ")
		call, _, _ = strings.Cut(strings.TrimSpace(call), "(")
		if strings.Contains(call, " ") || harmless[call] || call == "" {
			continue
		}
		seen[call]++
		// The key is made once, before the log: it has its own writes.
		if throughSeam[call] == "" && !strings.Contains(line, "/key") && !strings.Contains(line, "/lock") {
			t.Errorf("the system call %s does not go through the disk of package auditlog: %.200s", call, line)
		}
	}
	for _, call := range []string{"pwrite64", "fdatasync", "fsync"} {
		if seen[call] == 0 {
			t.Errorf("no %s was traced: %v", call, seen)
		}
	}
	t.Logf("%v", seen)
}

// TestKeyIsWhole makes a key after a run that ended between the halves of one:
// both halves are there, and they belong together.
func TestKeyIsWhole(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	for _, left := range []string{"a.pub", "a.pub.new", "a.new"} {
		if err := os.WriteFile(filepath.Join(dir, left), []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := CreateKey(file, "host.example/audit"); err != nil {
		t.Fatal(err)
	}
	signer, err := LoadKey(file)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ReadPublicKey(file + ".pub")
	if err != nil || len(keys) != 1 || keys[0].KeyHash() != signer.KeyHash() {
		t.Fatalf("%v, %v, want the key of %s", keys, err, signer.Name())
	}
	if _, err := CreateKey(file, "host.example/audit"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a key: %v", err)
	}
}

// TestKeyOfOthers: a key that its group or others can read, write or run is refused.
func TestKeyOfOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a")
	if _, err := CreateKey(file, "host.example/audit"); err != nil {
		t.Fatal(err)
	}
	for mode := fs.FileMode(0); mode < 0o100; mode++ {
		if err := os.Chmod(file, 0o600|mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(file); (err == nil) != (mode == 0) {
			t.Errorf("a key of mode %o: %v", 0o600|mode, err)
		}
	}
}

// TestPublicKeys: a file may name several keys, one for each line.
func TestPublicKeys(t *testing.T) {
	dir := t.TempDir()
	var both []byte
	var want []uint32
	for _, name := range []string{"a", "b"} {
		s, err := CreateKey(filepath.Join(dir, name), "host.example/"+name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, name+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		both, want = append(both, b...), append(want, s.KeyHash())
	}
	file := filepath.Join(dir, "both")
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := ReadPublicKey(file)
	if err != nil || len(keys) != 2 || keys[0].KeyHash() != want[0] || keys[1].KeyHash() != want[1] {
		t.Errorf("%d keys, %v, want %v", len(keys), err, want)
	}
}

// TestTwoAtATime begins segments while checkpoints are replaced, as the writer
// and the notary do: each file has its own content.
func TestTwoAtATime(t *testing.T) {
	d := folder{t.TempDir()}
	signed := bytes.Repeat([]byte("signed\n"), 20)
	const n = 40
	var both sync.WaitGroup
	both.Go(func() {
		for range n {
			if err := closed(put(d, checkpointName, bytesOf(signed))); err != nil {
				t.Error(err)
			}
		}
	})
	both.Go(func() {
		for i := range uint64(n) {
			f, err := beginSegment(d, &header{first: i + 1, before: frontier{size: i}})
			if err != nil {
				t.Error(err)
				continue
			}
			_ = f.Close()
		}
	})
	both.Wait()
	for i := range uint64(n) {
		b, err := os.ReadFile(filepath.Join(d.dir, segmentName(i+1)))
		if err != nil || !bytes.HasPrefix(b, []byte(magic)) {
			t.Fatalf("segment %d: %q, %v", i+1, b, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(d.dir, checkpointName)); err != nil || !bytes.Equal(b, signed) {
		t.Errorf("checkpoint: %q, %v", b, err)
	}
}
