package truth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/words"
)

// WhoCan asks about a tree as the command who-can does: the names of the people who have each right, by path
// and right. The error also says that a file could not be read.
func WhoCan(root string, dir *directory.Directory, rights string) (map[string]map[string][]string, error) {
	parsed, err := words.Parse(rights)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	run := bulk.Run{Directory: dir, Rights: parsed, Format: bulk.JSONL, Out: &out,
		Source: tree.Files([]string{root}, tree.Options{Recurse: true})}
	if _, err := run.Do(context.Background()); err != nil {
		return nil, err
	}
	all := map[string]map[string][]string{}
	for line := range strings.Lines(out.String()) {
		var row struct {
			Path, Right string
			Principals  []string
			Error       string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.Error != "" {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		at := filepath.Clean(row.Path)
		if all[at] == nil {
			all[at] = map[string][]string{}
		}
		all[at][row.Right] = row.Principals
	}
	return all, nil
}
