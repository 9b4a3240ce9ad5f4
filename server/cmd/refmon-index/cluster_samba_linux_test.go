package main

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/server/index"
)

// TestClusterEqualsSamba runs a cluster over three NATS servers, with a watcher that receives events, and changes its
// tree at random. It compares answers with smbd's after each of these steps: a NATS server is killed and restarted, all
// three are stopped and restarted, all three are killed and restarted, the watcher and a worker are killed and
// restarted. REFMON_CLUSTER_SAMBA_PAIRS sets the number of compared pairs.
func TestClusterEqualsSamba(t *testing.T) {
	pairs := randtest.Count(t, "REFMON_CLUSTER_SAMBA_PAIRS", 0)
	if pairs == 0 {
		t.Skip("REFMON_CLUSTER_SAMBA_PAIRS says how many pairs there are: eight processes, and two minutes")
	}
	if os.Getuid() != 0 {
		t.Skip("security.NTACL is set, and changes of a file system are reported, by root only")
	}
	t.Parallel() // it waits most of its time
	c := newSite(t, "host", "")
	tree := smbd.NewTree(t, c.tree, c.dir, randtest.Seed(t))
	change := func(times int) {
		for range times {
			tree.Change()
		}
	}
	change(max(300, pairs/50))
	c.startAll()
	servers := []string{"server0", "server1", "server2"}
	for _, f := range []struct {
		what   string
		signal syscall.Signal
		names  []string
	}{
		{"a NATS server was killed", syscall.SIGKILL, servers[c.r.IntN(3):][:1]},
		{"all NATS servers were stopped", syscall.SIGTERM, servers},
		{"all NATS servers were killed", syscall.SIGKILL, servers},
		{"the watcher and a worker were killed", syscall.SIGKILL, []string{"watch", "work2"}},
	} {
		change(max(40, pairs/500))
		for _, name := range f.names {
			c.signal(name, f.signal)
		}
		change(max(40, pairs/500))
		for _, name := range f.names {
			_ = c.running[name].Wait() // a signal ended it
			delete(c.running, name)
			c.start(name)
		}
		change(20)
		c.awaitBeats()
		x, err := index.Open(c.out, time.Hour) // compare the contents, however slow this machine is
		check.NoError(t, err)
		t.Log(f.what)
		tree.Compare(tree.Paths(), pairs/4, func(path, person string) (bool, string) {
			a := x.CanRead("//files1"+path, person, "read")
			return a.Allowed, a.Because
		})
		check.NoError(t, x.Close())
	}
}
