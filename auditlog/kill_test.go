//go:build unix

package auditlog

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
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

	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
)

// victim is the environment variable that makes this program write to the folder it names and print each acknowledged
// name, until the test kills it.
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

// signing is the environment variable that makes this program a signer with the key in the file it names.
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
	fmt.Fprintln(os.Stderr, "what a program says besides is not part of the signature")
	fmt.Println(base64.StdEncoding.EncodeToString(sig))
}

// write writes records from several goroutines until it is killed, or until it wrote REFMON_AUDITLOG_RECORDS of them.
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
				if l.Write(audit.LogArchived(name, 1, 9)) == nil {
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
	testcheck.NoError(t, cmd.Start())
	return cmd, out
}

// kills returns the number of kills in TestKilledWriterKeepsAcknowledgedRecords: REFMON_KILLS, else 10.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("REFMON_KILLS")); err == nil {
		return n
	}
	return 10
}

// A writing process is killed at random times. All acknowledged records are in the log, RecordIds only increase, and
// everything verifies (U-61, U-63; UC-51).
func TestKilledWriterKeepsAcknowledgedRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	rnd := rand.New(rand.NewPCG(7, 8))
	acknowledged := map[string]bool{}
	for range kills() {
		cmd, out := startVictim(t, dir)
		time.Sleep(20*time.Millisecond + time.Duration(rnd.IntN(60))*time.Millisecond)
		testcheck.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
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
		writeLog(t, Config{Dir: dir}, 0)
		mustVerify(t, dir)
	}
	last, seen := uint64(0), map[string]bool{}
	if _, err := os.Stat(filepath.Join(dir, checkpointName)); err == nil {
		for _, e := range recordsOf(t, folder{dir: dir}) {
			testcheck.RequireThat(t, e.RecordID == last+1, "record %d follows %d, want %d", e.RecordID, last, last+1)
			last = e.RecordID
			name, _ := e.Field("BackupPath")
			seen[name] = true
		}
	}
	for name := range acknowledged {
		testcheck.That(t, seen[name], "%s was acknowledged and is gone", name)
	}
	t.Logf("%d kills, %d records acknowledged, %d there", kills(), len(acknowledged), last)
}

// throughSeam lists the file system calls that a log makes through its disk interface, where tests inject errors.
var throughSeam = map[string]string{
	"openat": "Create, Open, List, SyncDir", "pwrite64": "WriteAt", "fdatasync": "Sync",
	"fsync": "SyncDir", "ftruncate": "Truncate",
	"renameat": "Rename", "unlinkat": "Remove", "rmdir": "Remove", "mkdirat": "Mkdir", "flock": "Lock",
	"unlink": "Remove", "rename": "Rename",
	"renameat2": "Rename", "mkdir": "Mkdir",
}

// A traced writer makes no file-changing system call that bypasses the disk interface.
func TestAllFileChangesUseDiskInterface(t *testing.T) {
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
	b := testcheck.Must(os.ReadFile(trace))
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
		// The key is created once, before the log, by writes of its own.
		testcheck.That(t, throughSeam[call] != "" || strings.Contains(line, "/key") || strings.Contains(line, "/lock"),
			"the system call %s does not go through the disk of package auditlog: %.200s", call, line)
	}
	for _, call := range []string{"pwrite64", "fdatasync", "fsync"} {
		testcheck.That(t, seen[call] != 0, "no call of %s was traced, want at least 1; the traced calls are %v", call,
			seen)
	}
	t.Logf("%v", seen)
}
