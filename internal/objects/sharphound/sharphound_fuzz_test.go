package sharphound

import "testing"

// FuzzFile checks that no file makes the reader panic, and that each object has a descriptor or an error.
func FuzzFile(f *testing.F) {
	f.Add([]byte(users))
	f.Add([]byte(domains))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) < 1<<16 {
			_, _, _ = rows(t, file)
		}
	})
}
