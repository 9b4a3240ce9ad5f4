package bulk_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
)

// TestReportScript: the page runs its own script and no other, whatever the names in it are.
func TestReportScript(t *testing.T) {
	const line = `{"path":"/srv/<script>alert(1)</script>","sd":"O:SYG:SYD:(A;;FA;;;WD)"}` + "\n"
	r := bulk.Report{Title: "</title><script>x", Directory: firm(),
		Source: objects.Lines(strings.NewReader(line), 0, 0)}
	if err := r.Collect(context.Background()); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	if n := strings.Count(page, "<script"); n != 1 {
		t.Fatalf("%d scripts", n)
	}
	_, script, _ := strings.Cut(page, "<script>")
	script, _, _ = strings.Cut(script, "</script>")
	_, hash, _ := strings.Cut(page, "script-src '")
	hash, _, _ = strings.Cut(hash, "'")
	sum := sha256.Sum256([]byte(script))
	if want := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); html.UnescapeString(hash) != want {
		t.Errorf("the policy allows %s, the script is %s", hash, want)
	}
}

// TestReportBars: who reaches nothing has no bar, not a thin one.
func TestReportBars(t *testing.T) {
	r := bulk.Report{Title: "t", Directory: firm(),
		Source: objects.Lines(strings.NewReader(`{"path":"/srv","sd":"O:SYG:SYD:P"}`+"\n"), 0, 0)}
	if err := r.Collect(context.Background()); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	bars, hidden := strings.Count(out.String(), `<span class="bar`), strings.Count(out.String(), `" hidden style="width:0`)
	if bars == 0 || hidden != bars {
		t.Errorf("%d of %d bars are hidden", hidden, bars)
	}
}
