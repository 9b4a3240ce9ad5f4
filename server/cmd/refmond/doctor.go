package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	auth "github.com/refmon/refmon/server/auth/unix"
)

type doctorCmd struct {
	Config string `help:"${config}" placeholder:"FILE"`
}

// Help returns the long text of --help for the command doctor.
func (doctorCmd) Help() string {
	return `Checks this host for refmond: the configuration, the state folder and its disk, the sockets and
their servers, the clock, the trees, capabilities and extended attributes. Each line has a result
and, for a problem, what to do. Run it as the user that refmond runs as. The exit code is 2 if there
is a problem.`
}

// errUnwell says that a check failed. The findings were printed.
var errUnwell = errors.New("refmond doctor found problems, see above")

// checkUp is a run of the command doctor: it prints findings and remembers whether one is wrong.
type checkUp struct {
	std  *streams
	fail bool
}

// well prints a check that passed.
func (c *checkUp) well(what, found string, args ...any) {
	fmt.Fprintf(c.std.out, "ok    %-12s %s\n", what, inLine(fmt.Sprintf(found, args...)))
}

// note prints a remark, which does not make the command fail.
func (c *checkUp) note(what, found string, args ...any) {
	fmt.Fprintf(c.std.out, "note  %-12s %s\n", what, inLine(fmt.Sprintf(found, args...)))
}

// wrong prints a check that failed, and makes the command fail.
func (c *checkUp) wrong(what, found string, args ...any) {
	c.fail = true
	fmt.Fprintf(c.std.out, "WRONG %-12s %s\n", what, inLine(fmt.Sprintf(found, args...)))
}

// Run prints the result of each check and goes on after a failure. If the configuration cannot be read, it runs
// no other check. It returns errUnwell if any check failed.
func (c *doctorCmd) Run(std *streams) error {
	k := &checkUp{std: std}
	cfg, err := load(c.Config)
	if err != nil {
		k.wrong("config", "%v", err)
		return errUnwell
	}
	if c.Config == "" {
		k.note("config", "the defaults, because there is no --config such as /etc/refmon/refmond.yaml; state %s", cfg.State)
	} else {
		k.well("config", "read; state %s", cfg.State)
	}
	if err := cfg.checkFiles(); err != nil {
		k.wrong("config", "%v", err)
	}
	k.state(cfg.State)
	k.checkPlaces(cfg)
	k.disk(cfg.State)
	k.trail(cfg)
	k.socket("socket", cfg.Socket)
	if cfg.AdminSocket != "" {
		k.socket("adminSocket", cfg.AdminSocket)
	}
	k.clock(time.Now())
	k.trees(cfg.trees)
	k.capabilities(statusFile(cfg.State), len(cfg.trees) > 0)
	k.attributes(cfg.State)
	if k.fail {
		return errUnwell
	}
	return nil
}

// state reports whether the state folder exists, belongs to this user and is closed to others, and which stores are
// in it. It creates nothing.
func (c *checkUp) state(dir string) {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		c.wrong("state", "%s: %v: it is made when refmond starts; its parent must let refmond's user do so", dir, err)
		return
	}
	switch {
	case st.Mode&0o022 != 0:
		c.wrong("state", "others can write to %s (mode %o): chmod go-w it", dir, st.Mode&0o777)
	case st.Uid != uint32(os.Geteuid()):
		c.wrong("state", "%s belongs to uid %d, you are %d: run this as its owner", dir, st.Uid, os.Geteuid())
	case st.Mode&0o077 != 0:
		c.note("state", "others can look into %s (mode %o): chmod go= it", dir, st.Mode&0o777)
	default:
		c.well("state", "%s is uid %d's alone", dir, st.Uid)
	}
	for _, name := range []string{"accounts.db", "audit"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			c.well("store", "%s is there", name)
		}
	}
}

// checkPlaces checks who can change refmond's own files: it reports each file or folder that another user can write to
// (L-76).
func (c *checkUp) checkPlaces(cfg *config) {
	err := cfg.checkTrusted()
	if err == nil {
		c.well("places", "no other user can write to them")
		return
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		c.wrong("places", "%s", line)
	}
}

// leastFree is the minimum free space on the state folder's disk.
const leastFree = 256 << 20

// disk checks the free space of the file system that has dir. It prints nothing if that cannot be read, which
// the check of the state reports.
func (c *checkUp) disk(dir string) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return // checkUp.state reports the error
	}
	c.room(st.Bavail * uint64(cmp.Or(st.Frsize, st.Bsize))) // Bavail counts fragments
}

// room reports too little free space: free is a number of bytes, which is a problem if it is below leastFree.
func (c *checkUp) room(free uint64) {
	if free < leastFree {
		c.wrong("disk", "%d MiB free: records that cannot be kept stop operations (audit.required)", free>>20)
		return
	}
	c.well("disk", "%d MiB free", free>>20)
}

// socket checks that the daemon accepts connections: it connects to the socket at as a client does, and reports the
// result under the configuration's key. A missing or dead socket is a problem.
func (c *checkUp) socket(key, at string) {
	conn, err := client.Dial(at)
	switch {
	case err == nil:
		c.well(key, "%s answers; you are %s there", at, conn.Thread().Name())
		_ = conn.Close()
	case errors.Is(err, unix.ENOENT):
		c.wrong(key, "%s does not exist: start refmond, or its socket unit", at)
	case errors.Is(err, unix.ECONNREFUSED):
		c.wrong(key, "%s is left over, no program listens: start refmond", at)
	case errors.Is(err, unix.EACCES):
		c.wrong(key, "%s cannot be reached: its folder must let every user search it", at)
	default:
		c.wrong(key, "%s: %v", at, err)
	}
}

// statusFile returns the file in /proc with the capabilities of the running daemon, which its unit may set. If no
// daemon answers in the state folder, it returns that of this process.
func statusFile(state string) string {
	const own = "/proc/self/status"
	conn, err := net.Dial("unix", filepath.Join(state, operationsSocket))
	if err != nil {
		return own
	}
	defer func() { _ = conn.Close() }()
	peer, err := auth.Of(conn.(*net.UnixConn))
	if err != nil {
		return own
	}
	defer peer.Close()
	if peer.PID == 0 { // of another PID namespace
		return own
	}
	return fmt.Sprintf("/proc/%d/status", peer.PID)
}

// oldest precedes any correct time.
var oldest = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// clock checks that the clock is not before oldest.
func (c *checkUp) clock(now time.Time) {
	if now.Before(oldest) {
		c.wrong("clock", "it is %s here: records would have that time", now.UTC().Format(time.RFC3339))
		return
	}
	c.well("clock", "%s", now.UTC().Format(time.RFC3339))
}

// attributes reports whether the disk of the state folder supports extended attributes. It creates and removes a file
// there. A folder without write access is not reported here.
func (c *checkUp) attributes(dir string) {
	f, err := os.CreateTemp(dir, "doctor-")
	if err != nil {
		return // checkUp.state reports the error
	}
	defer func() { _ = f.Close() }()
	_ = os.Remove(f.Name()) // before the output, whose closed pipe would end this program
	if err := unix.Fsetxattr(int(f.Fd()), "user.refmond", []byte("x"), 0); err != nil {
		c.note("attributes", "the file system does not support extended attributes (%v): nothing needs them yet", err)
		return
	}
	c.well("attributes", "the disk keeps extended attributes")
}
