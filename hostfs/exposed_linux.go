package hostfs

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/mountinfo"
	"github.com/refmon/refmon/ntacl"
)

// Exposure returns one line for each path by which users can reach the files of the
// tree without any descriptor deciding, and none if all paths are closed. A path is
// closed if only root, the user of this process and the given groups can search one
// of its directories. Those groups should have no members. Other mounts of the tree
// and of directories in it also count, if this process can see them. Exposure does
// not find mounts in other namespaces and hard links from outside (F-126).
func (t *Tree) Exposure(groups ...uint32) (open []string, err error) {
	places, err := t.places()
	if err != nil {
		return nil, fmt.Errorf("hostfs: who reaches %s: %w", t.cfg.Path, err)
	}
	for i, at := range places {
		if slices.Contains(places[:i], at) { // the directory is mounted over itself
			continue
		}
		who, err := t.reached(at, groups)
		if err != nil {
			return nil, fmt.Errorf("hostfs: who reaches %s: %w", at.path, err)
		}
		if who != "" {
			open = append(open, at.path+": "+who)
		}
	}
	return open, nil
}

// shown is a path at which the tree, or a directory of it, is mounted.
type shown struct {
	path  string
	whole bool
}

// places returns the paths at which the tree, or a folder of it, is mounted. The path of this server's mount comes
// first. whole is false for the mount of a folder. If /proc cannot be read, or the server's mount is not visible,
// places returns an error.
func (t *Tree) places() ([]shown, error) {
	at, err := os.Readlink(placeOf(t.root))
	if err != nil {
		return nil, err
	}
	mounts, err := mountinfo.Read()
	if err != nil {
		return nil, err
	}
	info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(t.root))
	if err != nil {
		return nil, err
	}
	own := ""
	for line := range strings.Lines(string(info)) {
		if id, ok := strings.CutPrefix(line, "mnt_id:"); ok {
			own = strings.TrimSpace(id)
		}
	}
	i := slices.IndexFunc(mounts, func(m mountinfo.Mount) bool { return m.ID == own })
	if i < 0 {
		return nil, fmt.Errorf("its mount %q is not among those of this process", own)
	}
	inside, ok := relative(mounts[i].Point, at)
	if !ok {
		return nil, fmt.Errorf("it is not below its mount %s", mounts[i].Point)
	}
	tree, list := path.Join(mounts[i].Root, inside), []shown{{at, true}}
	for _, m := range mounts {
		if m.Device != mounts[i].Device || m.ID == own {
			continue
		}
		if rest, ok := relative(m.Root, tree); ok {
			list = append(list, shown{path.Join(m.Point, rest), true})
		} else if _, ok := relative(tree, m.Root); ok {
			list = append(list, shown{m.Point, false})
		}
	}
	return list, nil
}

// relative returns the part of the path name that follows dir. It is empty if both are equal. ok is false if name is
// neither dir nor below it.
func relative(dir, name string) (rest string, ok bool) {
	if dir == "/" || dir == name {
		return strings.TrimPrefix(name, dir), true
	}
	return strings.CutPrefix(name, dir+"/")
}

// reached names the users and groups that can reach a path. Root, this process's user and the groups in groups are
// left out. The result is "" if nobody is left, the path is missing, or another mount hides it. Any other error ends
// the search.
func (t *Tree) reached(at shown, groups []uint32) (who string, err error) {
	for dir := range prefixes(at.path) {
		fd, err := unix.Open(dir, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
			return "", nil // a mount covers dir
		}
		if err != nil {
			return "", err
		}
		s, err := stat(fd)
		if err == nil {
			who, err = passers(fd, &s, groups)
		}
		shut(fd)
		covered := deviceOf(&s) != t.device || at.whole && s.Ino != t.rootInode
		if who == "" || err != nil || dir == at.path && covered {
			return "", err
		}
	}
	return who, nil
}

// prefixes yields the directories of an absolute path in order, from "/" to the path itself. For "/" it yields only
// "/".
func prefixes(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range name {
			if i > 0 && name[i] != '/' {
				continue
			}
			if !yield(name[:max(i, 1)]) {
				return
			}
		}
		if name != "/" {
			yield(name)
		}
	}
}

// passers names, for a report, the users and groups that can search a directory by its mode and POSIX ACL. Root, this
// process's user and groups are left out. If nobody is left, the result is "". If all users can, only that is named.
// An unreadable or malformed ACL is an error.
func passers(fd int, s *unix.Statx_t, groups []uint32) (string, error) {
	access, _, err := posixOf(&held{fd: fd}, s)
	if err != nil {
		return "", err
	}
	users, in, all, err := ntacl.Searchers(infoOf(s), access)
	if err != nil {
		return "", err
	}
	if all {
		return fmt.Sprintf("every user (mode %o)", s.Mode&0o7777), nil
	}
	var list []string
	for _, uid := range users {
		if uid != 0 && int(uid) != os.Geteuid() {
			list = append(list, fmt.Sprint("uid ", uid))
		}
	}
	for _, gid := range in {
		if !slices.Contains(groups, gid) {
			list = append(list, fmt.Sprint("gid ", gid))
		}
	}
	return strings.Join(list, ", "), nil
}
