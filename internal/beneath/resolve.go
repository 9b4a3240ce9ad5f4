package beneath

import (
	"os"
	"path/filepath"
	"strings"
)

// Resolve returns the absolute path of a file, without links in its directories. It does not follow a link at the end.
// As for the kernel, link/.. is the directory above the link's target, which [filepath.Clean] would not find. If a
// directory is missing, Resolve returns [filepath.Abs] of the path.
func Resolve(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(path) {
		home, err := os.Getwd()
		if err != nil {
			return "", err
		}
		path = home + "/" + path
	}
	dir, last := filepath.Split(strings.TrimRight(path, "/"))
	if last == "." || last == ".." {
		dir, last = dir+last, ""
	}
	above, err := filepath.EvalSymlinks(dir)
	if err != nil || dir == "" {
		return whole, nil
	}
	return filepath.Join(above, last), nil
}
