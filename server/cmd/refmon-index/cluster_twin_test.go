package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/truth"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
)

// fill puts the files of a company into the tree, each with its descriptor, and its people into the directory.
func (c *cluster) fill(s *company.Sample) *directory.Directory {
	c.t.Helper()
	var list, rows bytes.Buffer
	if err := errors.Join(s.Directory(&list), s.Write(&rows)); err != nil {
		c.t.Fatal(err)
	}
	dir, err := dirfile.Read(list.Bytes())
	if err != nil {
		c.t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(rows.String()) {
		var o struct{ SD string }
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			c.t.Fatal(err)
		}
		d, err := sddl.Parse(o.SD, sddl.Options{Domain: dir.Domain})
		if err != nil {
			c.t.Fatal(err)
		}
		a := ntacl.Attribute{Version: 1, Descriptor: d}
		value, err := a.Append(nil)
		at := filepath.Join(c.tree, fmt.Sprintf("s%d", n%97), fmt.Sprint("f", n))
		err = errors.Join(err, os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, nil, 0o600))
		if err != nil {
			c.t.Fatal(err)
		}
		if err := unix.Setxattr(at, ntacl.Name, value, 0); err != nil {
			c.t.Skipf("%s cannot be set here: %v", ntacl.Name, err)
		}
		n++
	}
	if err := errors.Join(os.WriteFile(c.dir+".new", list.Bytes(), 0o600), os.Rename(c.dir+".new", c.dir)); err != nil {
		c.t.Fatal(err)
	}
	return dir
}

// TestClusterEqualsWhoCan runs a cluster over three NATS servers and kills one of them and a worker while files
// arrive. Once the cluster is idle, the index must answer random pairs as who-can does from the tree.
func TestClusterEqualsWhoCan(t *testing.T) {
	pairs := randtest.Count(t, "REFMON_CLUSTER_PAIRS", 0)
	if pairs == 0 {
		t.Skip("REFMON_CLUSTER_PAIRS says how many pairs there are: nine processes, and half a minute")
	}
	t.Parallel() // it waits most of its time
	c := newCluster(t)
	dir := c.fill(&company.Sample{Seed: randtest.Seed(t), Objects: 20_000, Descriptors: 2_000, Principals: 1_000,
		Groups: 200})
	c.kill("server2")
	c.kill("work1")
	c.awaitBeats()
	want, err := truth.WhoCan(c.tree, dir, "read")
	check.NoError(t, err)
	paths := make([]string, 0, len(want))
	for path := range want {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	x, err := index.Open(c.out, time.Hour) // compare the contents, however slow this machine is
	check.NoError(t, err)
	defer x.Close()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 24))
	yes, different := 0, 0
	for range pairs {
		path, who := paths[r.IntN(len(paths))], dir.Principals[r.IntN(len(dir.Principals))].Name
		may := slices.Contains(want[path]["read"], who)
		if a := x.CanRead("//files1"+path, who, "read"); a.Allowed != may || a.Because != "" {
			if different++; different < 10 {
				t.Errorf("%s reads %s: the index answers %+v, who-can says %t", who, path, a, may)
			}
		}
		if may {
			yes++
		}
	}
	t.Logf("%d pairs of %d documents and %d people, seed %d: %d allowed, %d differences", pairs, len(paths),
		len(dir.Principals), seed, yes, different)
	check.That(t, yes >= pairs/50 && yes <= pairs*49/50, "of %d pairs %d are allowed", pairs, yes)
}
