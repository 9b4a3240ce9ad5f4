package adreport_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// Names of the directory are text on the page: it runs its own script alone, and control characters are replaced.
func TestPageRunsOnlyItsOwnScript(t *testing.T) {
	d, desk, _, carla := newOffice()
	carla.allow = []string{"(OA;;CR;" + resetGUID + ";;" + desk.sid() + ")"}
	text := strings.NewReplacer("CN=carla,", "CN=<script>alert(1)</script>\u202e,", "desk", "<img src=x onerror=y>\x1b").
		Replace(d.ldif())
	_, page, plain := pageOf(t, &adreport.Report{Title: "</title><script>x", Now: state(t, text)})
	n := strings.Count(page, "<script")
	check.RequireThat(t, n == 1 && !strings.Contains(page, "<img"), "%d scripts, want 1 and no picture", n)
	check.That(t, !strings.ContainsAny(page+plain, "\u202e\x1b"), "a control character is on a page, want U+FFFD")
	_, script, _ := strings.Cut(page, "<script>")
	script, _, _ = strings.Cut(script, "</script>")
	_, hash, _ := strings.Cut(page, "script-src '")
	hash, _, _ = strings.Cut(hash, "'")
	sum := sha256.Sum256([]byte(script))
	check.Equal(t, html.UnescapeString(hash), "sha256-"+base64.StdEncoding.EncodeToString(sum[:]), "allowed script")
}
