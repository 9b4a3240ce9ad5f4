package mount

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntacl"
)

// contender is a folder that BenchmarkNames compares. below is its path in the backing file system.
type contender struct{ name, dir, below string }

// contenders returns a folder on the file system itself, on go-fuse's loopback with the mount's time-outs, on a mount
// without an audit trail, and on a mount with refmond's default trail.
func contenders(b *testing.B) []contender {
	native, loop := loopback(b)
	w := newWorld(b)
	shipped := newWorld(b, func(_ *hostfs.Config, c *Config) { c.System = recording(b) })
	all := []contender{{"native", native, native}, {"loopback", loop, native}, {"mount", w.at, w.root},
		{"shipped", shipped.at, shipped.root}}
	for i, c := range all {
		c.dir, c.below = filepath.Join(c.dir, "a", c.name), filepath.Join(c.below, "a", c.name)
		w.must(os.MkdirAll(c.below, 0o755)) // names have the same depth in each
		if i > 1 {
			for _, dir := range []string{filepath.Dir(c.below), c.below} {
				w.must(unix.Setxattr(dir, ntacl.Name, attribute("O:BAG:SYD:P(A;OICI;FA;;;WD)"), 0))
			}
		}
		all[i] = c
	}
	return all
}

// recording returns a system with an audit log on disk and the policy that refmond has without a configuration.
func recording(b testing.TB) *kernel.System {
	trail := check.Must(auditlog.Open(auditlog.Config{Dir: filepath.Join(folder(b), "audit"), Reserve: 4 << 20}))
	b.Cleanup(func() {
		if err := trail.Close(); err != nil {
			b.Error(err)
		}
	})
	spec := audit.DefaultPolicy().Spec()
	for _, on := range []audit.Subcategory{audit.Logon, audit.Logoff, audit.SpecialLogon, audit.SensitivePrivilegeUse} {
		spec.System[on] = audit.OnBoth
	}
	spec.Options.CrashOnAuditFail = audit.FailOnAuditFail
	p := check.Must(audit.NewPolicy(spec))
	log := &audit.Log{Sink: trail, Clock: auditlog.Now}
	log.Policy.Store(p)
	return kernel.Boot(kernel.Config{Log: log})
}

// cpuTime returns the processor time of this process, which serves the mounts, and of its ended children.
func cpuTime() (sum time.Duration) {
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var r unix.Rusage
		if unix.Getrusage(who, &r) == nil {
			sum += time.Duration(r.Utime.Nano() + r.Stime.Nano())
		}
	}
	return sum
}

// race runs an operation in all folders, alternating, and reports the median per operation of elapsed time and of
// processor time (-cpu), and the median of the ratios within a round.
func race(b *testing.B, all []contender, times int, run func(c contender, i int) error) {
	took, busy := map[string][]float64{}, map[string][]float64{}
	for round := 0; b.Loop(); round++ {
		for i := range all {
			c := all[(i+round)%len(all)] // who is first changes
			cpu, start := cpuTime(), time.Now()
			for i := range times {
				if err := run(c, i); err != nil {
					b.Fatal(c.name, err)
				}
			}
			took[c.name] = append(took[c.name], time.Since(start).Seconds()*1e6/float64(times))
			busy[c.name] = append(busy[c.name], (cpuTime()-cpu).Seconds()*1e6/float64(times))
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, c := range all {
		b.ReportMetric(median(took[c.name]), c.name+"-µs")
		b.ReportMetric(median(busy[c.name]), c.name+"-cpu-µs")
	}
	base := all[0].name
	if base == "native" && len(all) > 2 {
		base = all[1].name
	}
	for _, c := range all {
		if c.name != base && c.name != "native" {
			b.ReportMetric(median(ratios(took[c.name], took[base])), c.name+"/"+base)
			b.ReportMetric(median(ratios(busy[c.name], busy[base])), c.name+"/"+base+"-cpu")
		}
	}
}

func median(of []float64) float64 {
	of = slices.Sorted(slices.Values(of))
	return of[len(of)/2]
}

func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / max(b[i], 1e-9)
	}
	return out
}

// fill creates a folder with files in the backing file system. The files have descriptors if described is set.
func fill(b *testing.B, c contender, dir string, files int, described bool) {
	at := filepath.Join(c.below, dir)
	check.NoError(b, os.MkdirAll(at, 0o755))
	value := attribute("O:BAG:SYD:AI(A;ID;FA;;;WD)")
	set := func(name string) {
		if c.dir != c.below && c.name != "loopback" {
			check.NoError(b, unix.Setxattr(name, ntacl.Name, value, 0))
		}
	}
	set(at)
	for i := range files {
		name := filepath.Join(at, fmt.Sprintf("file-%06d.txt", i))
		check.NoError(b, os.WriteFile(name, nil, 0o600))
		if described {
			set(name)
		}
	}
}

// listed reads the names of a folder and counts them.
func listed(dir string, want int) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	names, err := f.Readdirnames(-1)
	if err == nil && len(names) != want {
		err = fmt.Errorf("%d names, want %d", len(names), want)
	}
	return errors.Join(err, f.Close())
}

// created creates and removes an empty file.
func created(c contender, i int) error {
	name := filepath.Join(c.dir, fmt.Sprintf("new-%d", i))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(name))
}

// BenchmarkNames compares the speed of names of a mount with that of go-fuse's loopback, and for 100,000 names with
// that of the file system below. It takes turns between them, so that other load of the machine is the same for all.
func BenchmarkNames(b *testing.B) {
	all := contenders(b)
	b.Run("create", func(b *testing.B) { race(b, all, 100, created) })
	b.Run("open", func(b *testing.B) {
		for _, c := range all {
			fill(b, c, "few", 1, true)
		}
		race(b, all, 200, func(c contender, _ int) error {
			return opened(filepath.Join(c.dir, "few", "file-000000.txt"))
		})
	})
	b.Run("stat", func(b *testing.B) {
		for _, c := range all {
			fill(b, c, "few", 1, true)
		}
		race(b, all, 200, func(c contender, _ int) error {
			_, err := os.Lstat(filepath.Join(c.dir, "few", "file-000000.txt"))
			return err
		})
	})
	b.Run("readdir", func(b *testing.B) {
		const files = 10_000
		for _, c := range all {
			fill(b, c, "many", files, false)
		}
		race(b, all, 1, func(c contender, _ int) error { return listed(filepath.Join(c.dir, "many"), files) })
	})
	// The kernel answers from its cache, as long as nothing changes.
	const most = 100_000
	lists := func(change bool) func(c contender, _ int) error {
		return func(c contender, _ int) error {
			if change {
				name := filepath.Join(c.below, "most", "file-000000.txt")
				if err := errors.Join(os.Rename(name, name+"~"), os.Rename(name+"~", name)); err != nil {
					return err
				}
			}
			return listed(filepath.Join(c.dir, "most"), most)
		}
	}
	b.Run("readdir100k", func(b *testing.B) {
		for _, c := range all[:3] {
			fill(b, c, "most", most, false)
		}
		time.Sleep(settled)
		race(b, []contender{all[0], all[2]}, 1, lists(false))
	})
	b.Run("readdir100kChanged", func(b *testing.B) { race(b, all[:3], 1, lists(true)) })
	b.Run("git", func(b *testing.B) { benchmarkGit(b, all) })
	b.Run("build", func(b *testing.B) { benchmarkBuild(b, all) })
}

// program runs a program in a folder. A shell changes to that folder itself, as in world.run.
func program(dir, name string, args ...string) error {
	cmd := exec.Command("/bin/sh", append([]string{"-c", `cd "$0" && exec "$@"`, dir, name}, args...)...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*", "GOCACHE="+filepath.Join(dir, ".cache"),
		"GOTMPDIR="+filepath.Join(dir, ".tmp"), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "GOTELEMETRY=off",
		"GOENV=off", "GO111MODULE=on", "GOMODCACHE="+filepath.Join(dir, ".mod"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// benchmarkGit measures git status of 5,000 files in 50 folders.
func benchmarkGit(b *testing.B, all []contender) {
	if _, err := exec.LookPath("git"); err != nil {
		b.Skip(err)
	}
	for _, c := range all {
		for i := range 50 {
			fill(b, c, filepath.Join("git", fmt.Sprintf("dir-%02d", i)), 100, true)
		}
		if c.dir != c.below && c.name != "loopback" {
			if err := unix.Setxattr(filepath.Join(c.below, "git"), ntacl.Name,
				attribute("O:BAG:SYD:AI(A;OICIID;FA;;;WD)"), 0); err != nil {
				b.Fatal(err)
			}
		}
		dir := filepath.Join(c.dir, "git")
		for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@b",
			"commit", "-q", "-m", "all"}, {"update-index", "-q", "--refresh"}} {
			check.NoError(b, program(dir, "git", args...))
		}
	}
	race(b, all, 1, func(c contender, _ int) error { return program(filepath.Join(c.dir, "git"), "git", "status") })
}

// benchmarkBuild measures a Go build of 30 packages whose sources, cache and temporary files are in the folder. The
// sources change before each build, so that all of them are compiled.
func benchmarkBuild(b *testing.B, all []contender) {
	const packages = 30
	version := 0
	for _, c := range all {
		dir := filepath.Join(c.dir, "build")
		for _, name := range []string{dir, filepath.Join(dir, ".cache"), filepath.Join(dir, ".tmp")} {
			check.NoError(b, os.MkdirAll(name, 0o755))
		}
		check.NoError(b, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.org/m\n\ngo 1.24\n"), 0o600))
	}
	write := func(c contender) error {
		dir := filepath.Join(c.dir, "build")
		for i := range packages {
			at := filepath.Join(dir, fmt.Sprintf("p%02d", i))
			var text strings.Builder
			fmt.Fprintf(&text, "package p%02d\n\nconst Version = %d\n\n", i, version)
			for f := range 100 {
				fmt.Fprintf(&text, "func F%d(a, b int) int { for a < b { a = a*%d + b }; return a }\n", f, f+1)
			}
			if err := errors.Join(os.MkdirAll(at, 0o755),
				os.WriteFile(filepath.Join(at, "p.go"), []byte(text.String()), 0o600)); err != nil {
				return err
			}
		}
		return nil
	}
	race(b, all, 1, func(c contender, _ int) error {
		version++
		if err := write(c); err != nil {
			return err
		}
		return program(filepath.Join(c.dir, "build"), "go", "build", "./...")
	})
}

// BenchmarkSparse compares copies of a sparse file of 1 GiB with 16 blocks of data.
func BenchmarkSparse(b *testing.B) {
	all := contenders(b)
	for _, c := range all {
		f, err := os.Create(filepath.Join(c.dir, "sparse"))
		if err != nil {
			b.Fatal(err)
		}
		for i := range int64(16) {
			if _, err := f.WriteAt(make([]byte, 4096), i<<26|1<<20); err != nil && err != io.EOF {
				b.Fatal(err)
			}
		}
		if err := errors.Join(f.Truncate(1<<30), f.Close()); err != nil {
			b.Fatal(err)
		}
	}
	for _, p := range [][]string{{"cp", "--reflink=never", "--sparse=auto", "sparse", "copy"},
		{"tar", "-S", "-cf", "copy.tar", "sparse"}} {
		b.Run(p[0], func(b *testing.B) {
			race(b, all, 1, func(c contender, _ int) error { return program(c.dir, p[0], p[1:]...) })
		})
	}
}
