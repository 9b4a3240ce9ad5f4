package hostfs

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOfflinePaths: what is meant by a path without a name of its own is found, with the folder that it is in.
func TestOfflinePaths(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "d")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for path, of := range map[string]string{".": dir, "..": root, dir + "/": dir, "../d": dir, "../f": root + "/f",
		"./../f": root + "/f", "/": "/"} {
		o, err := OpenOffline(path, Config{})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		want, err := os.Stat(of)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.Stat(placeOf(o.fd))
		if err != nil || !os.SameFile(got, want) || o.Directory() != want.IsDir() {
			t.Errorf("%s: %v, %v, want %s", path, got, err, of)
		}
		above, err := os.Stat(filepath.Dir(of))
		if err != nil {
			t.Fatal(err)
		}
		if path == "/" {
			o.Close() // it is in no folder
			continue
		}
		if got, err := os.Stat(placeOf(o.parent)); err != nil || !os.SameFile(got, above) {
			t.Errorf("%s: the folder is %v, %v", path, got, err)
		}
		o.Close()
	}
}
