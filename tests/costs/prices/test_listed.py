"""The shipped price list, and a user's file that overrides it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from transcribe_cli.costs.prices import Price, load_prices
from transcribe_cli.errors import ConfigError

CONFIGS = Path(__file__).parents[3] / "configs" / "prices.toml"
SHIPPED = Path(__file__).parents[3] / "src" / "transcribe_cli" / "costs" / "prices" / "prices.toml"


def written(folder: Path, text: str) -> Path:
    """A price file of the user."""
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_there_is_only_one_list() -> None:
    """configs/prices.toml is the file that is installed with the package, not a copy of it."""
    assert CONFIGS.resolve() == SHIPPED


def test_every_price_has_a_date_and_a_source() -> None:
    """So that users can check it."""
    prices = load_prices()
    listed = [prices.price_of(f"runpod.{name}") for name in prices.runpod.pools]
    listed += [prices.price_of(f"{name}.{model}") for name, service in prices.openai.items() for model in service.models]
    assert len(listed) >= 14
    for price in listed:
        assert price is not None
        assert price.as_of is not None
        assert price.source.startswith("https://")
        assert (price.per_hour is None) != (price.per_audio_hour is None)


def test_pool_prices_match_runpods_prices_per_second() -> None:
    """RunPod lists prices per second; figures of its table of 2026-06-08."""
    by_second = {"AMPERE_16": 0.00016, "AMPERE_24": 0.00019, "ADA_24": 0.00031, "AMPERE_48": 0.00034, "ADA_48_PRO": 0.00053}
    by_second |= {"AMPERE_80": 0.00076, "ADA_80_PRO": 0.00116, "HOPPER_141": 0.00155}
    pools = load_prices().runpod.pools
    assert {name: pool.per_hour for name, pool in pools.items()} == {
        name: pytest.approx(price * 3600, abs=0.006) for name, price in by_second.items()
    }


def test_this_machine_has_no_price_by_default() -> None:
    """The option or a file sets one; the option overrides the file."""
    assert load_prices().local_price() is None
    price = load_prices().local_price(0.35)
    assert price is not None
    assert (price.per_hour, price.source) == (0.35, "price_per_hour")


def test_the_users_file_overrides_the_list_table_by_table(tmp_path: Path) -> None:
    """Other prices stay. The source of an overridden price is the file, unless it gives another one."""
    path = written(
        tmp_path,
        """
        [local]
        price_per_hour = 0.2
        [runpod.pools.ADA_24]
        per_hour = 0.9
        [runpod.pools.MINE]
        per_hour = 0.1
        as_of = 2026-11-01
        source = "contract"
        [openai.mine]
        base_url = "http://127.0.0.1:9/v1"
        source = "myself"
        models.small.per_audio_hour = 0.0
        """,
    )
    prices = load_prices(path)
    local, ada, mine = prices.local_price(), prices.price_of("runpod.ADA_24"), prices.price_of("runpod.MINE")
    assert local is not None
    assert (local.per_hour, local.source, local.as_of) == (0.2, str(path), None)
    assert ada is not None
    assert (ada.per_hour, ada.source, ada.as_of) == (0.9, str(path), None)
    assert mine is not None
    assert (mine.per_hour, mine.source, mine.as_of) == (0.1, "contract", date(2026, 11, 1))
    assert prices.price_of("runpod.AMPERE_24") == load_prices().price_of("runpod.AMPERE_24")
    assert prices.price_of("mine.small") is not None
    assert prices.local_price(0.5) == load_prices().local_price(0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[local]\nprice_per_hour = -1\n", "local.price_per_hour"),
        ("[local]\nprice = 1\n", "local.price"),
        ("[runpod.pools.ADA_24]\nper_hour = 'cheap'\n", "runpod.pools.ADA_24.per_hour"),
        ("[runpod.pools.ADA_24]\nper_hour = nan\n", "runpod.pools.ADA_24.per_hour"),
        ("runpod = 3\n", "runpod"),
        ("[local\n", "is not TOML"),
    ],
)
def test_an_invalid_file_is_reported_on_one_line(tmp_path: Path, text: str, message: str) -> None:
    """With the file and the key."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_prices(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    """A folder is reported too."""
    with pytest.raises(ConfigError, match="does not exist"):
        load_prices(tmp_path / "mine.toml")
    with pytest.raises(ConfigError, match="Cannot read"):
        load_prices(tmp_path)


def test_the_highest_of_several_prices_counts() -> None:
    """An endpoint with two pools may use either. If one is not listed, the price is unknown, because it may be the highest."""
    prices = load_prices()
    assert prices.price_of("runpod.AMPERE_24", "runpod.ADA_24", "runpod.AMPERE_16") == prices.price_of("runpod.ADA_24")
    assert prices.price_of("runpod.AMPERE_24", "runpod.NOBODYS") is None
    assert prices.unlisted("runpod.AMPERE_24", "runpod.NOBODYS") == ("runpod.NOBODYS",)
    for unknown in ("runpod.NOBODYS", "runpod", "openai.whisper-9", "nobody.small", ""):
        assert prices.price_of(unknown) is None
    assert prices.price_of() is None


def test_a_price_is_formatted_with_its_unit() -> None:
    """With at least two decimals."""
    texts = [str(Price("", per_hour=hour)) for hour in (8.6, 1.12, 0.0375, 0)]
    assert texts == ["$8.60/h", "$1.12/h", "$0.0375/h", "$0.00/h"]
    assert str(Price("", per_audio_hour=0.111)) == "$0.111/h of audio"
