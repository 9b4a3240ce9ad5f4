// Package vectors has refmon's decision vectors: questions about access with their right answers, one JSON line each.
// Tests of refmon, and of any other implementation, can use them. README.md describes the files.
//
//	for v, err := range vectors.Access() {
//		if err != nil { return err }
//		// ask v.In, compare with v.Out
//	}
//
// A [Vector] has the question and the answer as JSON. Tests of packages access and vectors run the files. Guards: none;
// the data is constant.
package vectors
