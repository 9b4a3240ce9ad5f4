package auditpeers

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
)

const writers = 64

// record is about as long as the record of an open.
func record() audit.Event { return audit.LogArchived(string(make([]byte, 100)), 1, 9) }

// BenchmarkDurable writes durable records from 64 goroutines, one at a time each: to a file synced after each record,
// to bbolt, and to refmon's log.
func BenchmarkDurable(b *testing.B) {
	b.Run("fdatasync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "f"))
		if err != nil {
			b.Fatal(err)
		}
		line := record().AppendJSON(nil)
		for b.Loop() {
			if _, err := f.Write(line); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("bbolt", func(b *testing.B) {
		db := openBolt(b)
		line := record().AppendJSON(nil)
		measure(b, func(n uint64) error {
			return db.Batch(func(tx *bolt.Tx) error {
				return tx.Bucket(bucket).Put(binary.BigEndian.AppendUint64(nil, n), line)
			})
		})
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("refmon", func(b *testing.B) {
		l, err := auditlog.Open(auditlog.Config{Dir: filepath.Join(b.TempDir(), "log")})
		if err != nil {
			b.Fatal(err)
		}
		e := record()
		measure(b, func(uint64) error { return l.Write(e) })
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

var bucket = []byte("records")

// openBolt opens a database with the best settings for our writers: a batch is complete when each of them waits.
func openBolt(b *testing.B) *bolt.DB {
	b.Helper()
	db, err := bolt.Open(filepath.Join(b.TempDir(), "bolt"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	db.MaxBatchSize = writers
	err = db.Update(func(tx *bolt.Tx) error {
		made, err := tx.CreateBucket(bucket)
		if err == nil {
			made.FillPercent = 1 // keys only grow
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// measure has the writers write b.N records and reports their rate.
func measure(b *testing.B, write func(n uint64) error) {
	b.Helper()
	each := make([][]time.Duration, writers)
	b.ResetTimer()
	var all sync.WaitGroup
	for g := range writers {
		all.Go(func() {
			for i := g; i < b.N; i += writers {
				start := time.Now()
				if err := write(uint64(i)); err != nil {
					b.Error(err)
				}
				each[g] = append(each[g], time.Since(start))
			}
		})
	}
	all.Wait()
	b.StopTimer()
	took := slices.Sorted(slices.Values(slices.Concat(each...)))
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
}
