package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/beforehand-go/beforehand/pageview"
	driver "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// inserter writes rows into a table. It holds them until flush, which runs a
// statement that is planned once and in which DuckDB reads them from here, as a
// table function. An Appender has its INSERT planned anew at each flush, and that
// is a third of what the commit of a few rows costs.
type inserter[R any] struct {
	table   string
	columns []typedColumn[R]
	insert  *sql.Stmt

	rows []R
	next int // position of the first that DuckDB has not read
}

func newInserter[R any](ctx context.Context, conn *sql.Conn, table string, columns []typedColumn[R]) (*inserter[R], error) {
	if !chunkField.known {
		return nil, errors.New("the package duckdb-go has a version that this program does not know: use that of its go.mod")
	}
	s := &inserter[R]{table: table, columns: columns}
	name := "incoming_" + table
	err := driver.RegisterTableUDF(conn, name, driver.ChunkTableFunction{
		BindArguments: func(map[string]any, ...any) (driver.ChunkTableSource, error) { return s, nil },
	})
	if err != nil {
		return nil, err
	}
	s.insert, err = conn.PrepareContext(ctx, fmt.Sprintf(`INSERT INTO %s BY NAME SELECT * FROM %s()`, table, name))
	return s, err
}

// mostHeld is how many rows an inserter keeps memory for when it has none.
const mostHeld = 1 << 16

// flush writes what is held.
func (s *inserter[R]) flush(ctx context.Context) error {
	if len(s.rows) == 0 {
		return nil
	}
	res, err := s.insert.ExecContext(ctx)
	if err != nil {
		return fmt.Errorf("insert into %s: %w", s.table, err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != int64(len(s.rows)) {
		err = fmt.Errorf("%d of %d rows were written", n, len(s.rows))
	}
	if err != nil {
		return fmt.Errorf("insert into %s: %w", s.table, err)
	}
	if s.rows = s.rows[:0]; cap(s.rows) > mostHeld {
		s.rows = nil
	}
	return nil
}

func (s *inserter[R]) close() {
	if s != nil && s.insert != nil {
		s.insert.Close()
	}
}

// ColumnInfos implements driver.ChunkTableSource.
func (s *inserter[R]) ColumnInfos() []driver.ColumnInfo {
	infos := make([]driver.ColumnInfo, len(s.columns))
	for i, c := range s.columns {
		infos[i] = driver.ColumnInfo{Name: c.name, T: c.kind}
	}
	return infos
}

// Cardinality implements driver.ChunkTableSource: it is another one each time.
func (s *inserter[R]) Cardinality() *driver.CardinalityInfo { return nil }

// Init implements driver.ChunkTableSource.
func (s *inserter[R]) Init() { s.next = 0 }

// FillChunk implements driver.ChunkTableSource.
func (s *inserter[R]) FillChunk(chunk driver.DataChunk) error {
	rows := s.rows[s.next:]
	rows = rows[:min(len(rows), driver.GetDataChunkCapacity())]
	s.next += len(rows)
	for i, c := range s.columns {
		c.fill(cellsOf(chunk, i), rows)
	}
	return chunk.SetSize(len(rows))
}

// typedColumn is a column that an inserter writes.
type typedColumn[R any] struct {
	name string
	kind driver.TypeInfo
	fill func(cells unsafe.Pointer, rows []R)
}

// cell is what DuckDB keeps as Go does.
type cell interface {
	uint8 | uint16 | uint32 | uint64 | pageview.Day | micros
}

// micros is an instant in microseconds since 1970.
type micros int64

// columnOf is a column of values that rows have.
func columnOf[R any, V cell](name string, value func(*R) V) typedColumn[R] {
	kind, err := driver.NewTypeInfo(kindOf[V]())
	if err != nil {
		panic(err) // the kinds are constants
	}
	return typedColumn[R]{name, kind, func(cells unsafe.Pointer, rows []R) {
		to := unsafe.Slice((*V)(cells), len(rows))
		for i := range rows {
			to[i] = value(&rows[i])
		}
	}}
}

func kindOf[V cell]() driver.Type {
	switch any(*new(V)).(type) {
	case uint8:
		return driver.TYPE_UTINYINT
	case uint16:
		return driver.TYPE_USMALLINT
	case uint32:
		return driver.TYPE_UINTEGER
	case uint64:
		return driver.TYPE_UBIGINT
	case pageview.Day:
		return driver.TYPE_DATE
	}
	return driver.TYPE_TIMESTAMP
}

// chunkField is where the driver keeps DuckDB's chunk in its own. It has no function
// that tells, and to set one value after the other through it costs more than all else
// that is done with a row before DuckDB has it.
var chunkField = func() (f struct {
	known  bool
	offset uintptr
},
) {
	field, ok := reflect.TypeFor[driver.DataChunk]().FieldByName("chunk")
	f.known, f.offset = ok && field.Type == reflect.TypeFor[mapping.DataChunk](), field.Offset
	return f
}()

// cellsOf is where the values of a chunk's column are.
func cellsOf(chunk driver.DataChunk, column int) unsafe.Pointer {
	c := *(*mapping.DataChunk)(unsafe.Add(unsafe.Pointer(&chunk), chunkField.offset))
	return mapping.VectorGetData(mapping.DataChunkGetVector(c, mapping.IdxT(column)))
}

// seenRow is what rows of both tables begin with.
type seenRow struct {
	seq, visitor uint64
	at           micros
	day          pageview.Day
	page         uint32
	site         uint16
}

func seenColumns[R any](of func(*R) *seenRow) []typedColumn[R] {
	return []typedColumn[R]{
		columnOf("seq", func(r *R) uint64 { return of(r).seq }),
		columnOf("site", func(r *R) uint16 { return of(r).site }),
		columnOf("at", func(r *R) micros { return of(r).at }),
		columnOf("day", func(r *R) pageview.Day { return of(r).day }),
		columnOf("page", func(r *R) uint32 { return of(r).page }),
		columnOf("visitor", func(r *R) uint64 { return of(r).visitor }),
	}
}

// viewRow is a row of the table pageviews.
type viewRow struct {
	seenRow
	hour   micros
	source uint8

	referrer, browser, system, device, bot   uint32
	country, language, referrerPage          uint32
	campaignSource, campaignMedium, campaign uint32
}

func viewColumns() []typedColumn[viewRow] {
	return append(
		seenColumns(func(r *viewRow) *seenRow { return &r.seenRow }),
		columnOf("referrer", func(r *viewRow) uint32 { return r.referrer }),
		columnOf("browser", func(r *viewRow) uint32 { return r.browser }),
		columnOf("system", func(r *viewRow) uint32 { return r.system }),
		columnOf("device", func(r *viewRow) uint32 { return r.device }),
		columnOf("bot", func(r *viewRow) uint32 { return r.bot }),
		columnOf("source", func(r *viewRow) uint8 { return r.source }),
		columnOf("hour", func(r *viewRow) micros { return r.hour }),
		columnOf("country", func(r *viewRow) uint32 { return r.country }),
		columnOf("language", func(r *viewRow) uint32 { return r.language }),
		columnOf("referrer_page", func(r *viewRow) uint32 { return r.referrerPage }),
		columnOf("campaign_source", func(r *viewRow) uint32 { return r.campaignSource }),
		columnOf("campaign_medium", func(r *viewRow) uint32 { return r.campaignMedium }),
		columnOf("campaign", func(r *viewRow) uint32 { return r.campaign }),
	)
}

// stayRow is a row of the table stays.
type stayRow struct {
	seenRow
	seconds uint32
}

func stayColumns() []typedColumn[stayRow] {
	return append(
		seenColumns(func(r *stayRow) *seenRow { return &r.seenRow }),
		columnOf("seconds", func(r *stayRow) uint32 { return r.seconds }),
	)
}
