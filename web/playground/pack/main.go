// Command pack builds the playground: one HTML file with the page, its style,
// the rules and the decision compiled to WebAssembly. It works from a disk and
// from any static host.
//
//	go run ./web/playground/pack [-o bin/playground/index.html]
//
// It is run from the root of the repository.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/refmon/refmon/internal/accessquery"
)

const source = "web/playground"

// main writes the page and prints its path and size. It exits with 1 if pack fails.
func main() {
	out := flag.String("o", filepath.Join("bin", "playground", "index.html"), "the file to write")
	flag.Parse()
	n, err := pack(*out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: %d KiB; open it in a browser, or put it on any host\n", *out, n>>10)
}

// pack writes the page with all its parts to the file out and returns its size in bytes. It must run in the root of the
// repository. It creates the folder of out and replaces the file. A marker that the page does not have is ignored.
func pack(out string) (int, error) {
	page, err := os.ReadFile(filepath.Join(source, "index.html"))
	if err != nil {
		return 0, fmt.Errorf("run it from the root of the repository: %w", err)
	}
	data, err := data()
	if err != nil {
		return 0, err
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return 0, fmt.Errorf("asking go for its folder: %w", err)
	}
	parts := map[string]string{
		"style.css":    filepath.Join(source, "style.css"),
		"page.js":      filepath.Join(source, "page.js"),
		"wasm_exec.js": filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"),
	}
	for name, path := range parts {
		b, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		page = bytes.Replace(page, []byte("/*pack:"+name+"*/"), b, 1)
	}
	page = bytes.Replace(page, []byte("/*pack:data*/"), data, 1)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return 0, err
	}
	return len(page), os.WriteFile(out, page, 0o644)
}

// data returns the script that sets the page's variable packed: the rules, and the decision in WebAssembly.
func data() ([]byte, error) {
	rules, err := rules()
	if err != nil {
		return nil, err
	}
	wasm, err := wasm()
	if err != nil {
		return nil, err
	}
	// json escapes <, > and &, so that no text can end the script.
	values, err := json.Marshal(struct {
		Rules map[string]rule `json:"rules"`
		Types []string        `json:"types"`
		Wasm  string          `json:"wasm"`
	}{rules, strings.Split(accessquery.ObjectTypes, ", "), base64.StdEncoding.EncodeToString(wasm)})
	return append(append([]byte("Object.assign(packed, "), values...), ");"...), err
}

// rule is one line of docs/rules.
type rule struct {
	Text   string `json:"text"`
	Source string `json:"source"`
}

var ruleLine = regexp.MustCompile(`(?m)^- \*\*([A-Z]-[0-9]+[a-z]?)\*\* (.*?) \*(Source: .*)\*$`)

// rules returns the rules of the access check by their ids. It reads docs/rules below the working directory and
// returns an error if it cannot.
func rules() (map[string]rule, error) {
	text, err := os.ReadFile(filepath.Join("docs", "rules", "50-access-check.md"))
	if err != nil {
		return nil, err
	}
	all := map[string]rule{}
	for _, m := range ruleLine.FindAllSubmatch(text, -1) {
		all[string(m[1])] = rule{string(m[2]), string(m[3])}
	}
	return all, nil
}

// wasm compiles the decision to WebAssembly and returns it compressed. It needs the Go toolchain. It builds in a
// temporary directory, which it removes. The error of a failed build contains the compiler's output.
func wasm() ([]byte, error) {
	dir, err := os.MkdirTemp("", "playground")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "refmon.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./"+source+"/wasm")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building for the browser: %w\n%s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil { // Close writes the end of the stream
		return nil, err
	}
	return packed.Bytes(), nil
}
