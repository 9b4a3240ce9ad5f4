package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/refmon/refmon/internal/objects/tree"
)

// checkMounts returns an error if a mount of t would cover a mount of the trees before it, which are mounted first.
func (c *config) checkMounts(t treeConfig) error {
	for _, dir := range []string{t.mount, t.backup} {
		for _, other := range c.trees {
			switch {
			case dir == "":
			case other.mount != "" && tree.Contains(dir, other.mount):
				return fmt.Errorf("%q would cover the mount of %s at %s: want another directory", dir, other.name, other.mount)
			case other.backup != "" && tree.Contains(dir, other.backup):
				return fmt.Errorf("%q would cover the backup mount of %s at %s: want another directory", dir, other.name,
					other.backup)
			}
		}
	}
	return nil
}

// checkCover returns an error if a mount on dir would cover a file, folder or socket that refmond itself uses by its
// name. dir is clean, and nil is returned for "".
func (c *config) checkCover(dir string) error {
	if dir == "" {
		return nil
	}
	for _, p := range c.trusted() {
		if p.path == "" || strings.HasPrefix(p.path, "@") {
			continue
		}
		path, err := filepath.Abs(p.path)
		if err != nil {
			return fmt.Errorf("%s: %w", p.what, err)
		}
		if tree.Contains(dir, path) {
			return fmt.Errorf("%q would cover the %s %s: want another directory", dir, p.what, p.path)
		}
	}
	return nil
}

// mountKey returns the first key of s that only a mount uses and that s sets, or "".
func (s *treeSettings) mountKey() string {
	switch {
	case s.HideUnreadable:
		return "hideUnreadable"
	case s.FollowLinks:
		return "followLinks"
	case s.Mode != "":
		return "mode"
	case s.ListDescriptors:
		return "listDescriptors"
	}
	return ""
}
