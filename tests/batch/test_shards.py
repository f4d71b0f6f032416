"""For every number of shards their union is the plan, and they are balanced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.batch.index import IndexedStep, IndexEntry, Weight
from dlc2lp.batch.shards import Shard, shard_from_environment, shard_units, shards_with, split_among
from dlc2lp.errors import UsageError


def entry(number, costs):
    steps = tuple(
        IndexedStep(f"{number:08x}{position:08x}", "place-video", cost, cost, 0, 0, 1)
        for position, cost in enumerate(costs)
    )
    return IndexEntry(f"p{number}", f"/a/p{number}", f"p{number}", "planned", plan="x", steps=steps)


archives = st.lists(st.lists(st.integers(0, 10**9), max_size=8), max_size=25).map(
    lambda projects: [entry(number, costs) for number, costs in enumerate(projects)]
)


def ids(units):
    return [(unit.target, step.id) for unit in units for step in unit.steps]


def weighed(entries):
    """What the index tells: weights, and what reads an entry."""
    weights = [Weight(each.target, each.cost, at) for at, each in enumerate(entries) if each.steps]
    return weights, lambda weight: entries[weight.at], sum(each.cost for each in entries)


def cut(entries, shard):
    return shard_units(*weighed(entries), shard)


def test_a_worker_reads_its_own_entries_and_those_too_heavy_for_one():
    entries = [entry(0, [100] * 40), *(entry(number, [1] * 20) for number in range(1, 100))]
    weights, read_entry, total = weighed(entries)
    read = []
    mine = shard_units(weights, lambda weight: read.append(weight.target) or read_entry(weight), total, Shard(3, 10))
    assert set(read) == {unit.target for unit in mine} | {"p0"}
    assert len(read) < 20


@given(archives, st.integers(1, 40), st.randoms())
def test_the_union_of_all_shards_is_the_plan_for_every_number(entries, n_shards, random):
    plan = [(each.target, step.id) for each in entries for step in each.steps]
    shuffled = list(entries)
    random.shuffle(shuffled)
    shards = [cut(entries, Shard(number, n_shards)) for number in range(1, n_shards + 1)]
    assert sorted(key for shard in shards for key in ids(shard)) == sorted(plan)
    assert shards == [cut(shuffled, Shard(number, n_shards)) for number in range(1, n_shards + 1)]


@given(archives, st.integers(1, 40))
def test_no_shard_weighs_more_than_the_average_and_one_unit(entries, n_shards):
    shards = [cut(entries, Shard(number, n_shards)) for number in range(1, n_shards + 1)]
    total = sum(each.cost for each in entries)
    largest_step = max((step.cost for each in entries for step in each.steps), default=0)
    one_unit = max(largest_step, total / (8 * n_shards) + 1)
    assert all(sum(unit.cost for unit in shard) <= total / n_shards + one_unit for shard in shards)


@given(archives, st.integers(1, 12), st.data())
def test_only_shards_with_something_left_are_named(entries, n_shards, data):
    all_keys = [(each.target, step.id) for each in entries for step in each.steps]
    left = set(data.draw(st.lists(st.sampled_from(all_keys)))) if all_keys else set()
    named = shards_with(*weighed(entries), n_shards, lambda unit: bool(left & set(ids([unit]))))
    expected = [number for number in range(1, n_shards + 1) if left & set(ids(cut(entries, Shard(number, n_shards))))]
    assert named == expected


@given(archives, st.integers(1, 16))
def test_threads_of_one_machine_get_all_of_it(entries, n_workers):
    work = cut(entries, Shard())
    assert sorted(ids(split_among(work, n_workers))) == sorted(ids(work))


def test_a_heavy_project_is_shared_and_light_ones_stay_whole():
    entries = [entry(0, [100] * 50), *(entry(number, [1] * 20) for number in range(1, 10))]
    shards = [cut(entries, Shard(number, 4)) for number in range(1, 5)]
    assert all(any(unit.target == "p0" for unit in shard) for shard in shards)
    light = [unit for shard in shards for unit in shard if unit.target != "p0"]
    assert all(len(unit.steps) == 20 for unit in light)


@pytest.mark.parametrize("first", [0, 1, 5, 100])
@pytest.mark.parametrize(
    "names",
    [
        ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX"),
        ("SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_LAST"),
    ],
)
def test_an_array_may_start_at_any_number(first, names):
    task, low, high = names
    found = [
        shard_from_environment({task: str(number), low: str(first), high: str(first + 3)})
        for number in range(first, first + 4)
    ]
    assert sorted(shard.number for shard in found) == [1, 2, 3, 4]
    assert {shard.of for shard in found} == {4}


@pytest.mark.parametrize("name", ["PBS_ARRAY_INDEX", "PBS_ARRAYID", "JOB_COMPLETION_INDEX"])
def test_schedulers_that_do_not_tell_how_many_there_are(name):
    found = [shard_from_environment({name: str(number)}, 3) for number in (1, 2, 3)]
    assert sorted(shard.number for shard in found) == [1, 2, 3]
    with pytest.raises(UsageError, match="how many shards"):
        shard_from_environment({name: "1"})


def test_outside_of_an_array_there_is_no_shard():
    assert shard_from_environment({}) is None
    assert shard_from_environment({"SGE_TASK_ID": "undefined"}) is None
    with pytest.raises(UsageError, match="no scheduler's variable"):
        shard_from_environment({}, 4)


def test_an_array_with_holes_is_no_set_of_shards():
    holes = {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_MAX": "7"}
    with pytest.raises(UsageError, match="how many shards"):
        shard_from_environment(holes | {"SLURM_ARRAY_TASK_COUNT": "2"})


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/4", "1/2/3", "²/3"])
def test_what_is_no_shard(text):
    with pytest.raises(UsageError, match="from 1 to N"):
        Shard.from_text(text)


@pytest.mark.parametrize(
    ("number", "first", "last"), [("5", "1", "4"), ("0", "1", "4"), ("1", "2", "1"), ("2", "2", "1"), ("²", "1", "4")]
)
@pytest.mark.parametrize("n_shards", [None, 4])
def test_numbers_that_no_array_has(number, first, last, n_shards):
    array = {"SLURM_ARRAY_TASK_ID": number, "SLURM_ARRAY_TASK_MIN": first, "SLURM_ARRAY_TASK_MAX": last}
    with pytest.raises(UsageError, match=r"array's numbers|expected a number"):
        shard_from_environment(array, n_shards)
    if number == "²":
        with pytest.raises(UsageError, match="expected a number"):
            shard_from_environment({"PBS_ARRAY_INDEX": number}, 4)
