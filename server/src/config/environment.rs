//! The environment as a layer over the file.

use super::{Config, ConfigError};

/// Lays `LIANMAI_<SECTION>_<KEY>` over `table`. The defaults say which keys there are and of which
/// type each is, so a new key needs no second list. Other `LIANMAI_*` names are not ours to judge.
pub(super) fn override_by(
    env: impl IntoIterator<Item = (String, String)>,
    table: &mut toml::Table,
) -> Result<(), ConfigError> {
    let defaults = toml::Table::try_from(Config::default())
        .expect("the configuration is plain tables of plain values");
    for (name, value) in env {
        let Some((section, key, default)) = setting_named(&name, &defaults) else { continue };
        let value = value_like(default, &value).map_err(|expected| ConfigError::Variable {
            name: name.clone(),
            value: if section == "auth" { "***".to_owned() } else { value.clone() },
            expected,
        })?;
        let entry = table
            .entry(section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut();
        // A file whose section is no table is reported by the deserializer.
        if let Some(entry) = entry {
            entry.insert(key.to_owned(), value);
        }
    }
    Ok(())
}

fn setting_named<'a>(
    name: &str,
    defaults: &'a toml::Table,
) -> Option<(&'a str, &'a str, &'a toml::Value)> {
    let (section, key) = name.strip_prefix("LIANMAI_")?.split_once('_')?;
    let (section, keys) = defaults.get_key_value(&section.to_ascii_lowercase())?;
    let (key, default) = keys.as_table()?.get_key_value(&key.to_ascii_lowercase())?;
    Some((section, key, default))
}

fn value_like(default: &toml::Value, text: &str) -> Result<toml::Value, &'static str> {
    let string = |text: &str| toml::Value::String(text.to_owned());
    match default {
        toml::Value::Integer(_) => {
            text.parse().map(toml::Value::Integer).map_err(|_| "a whole number")
        }
        toml::Value::Boolean(_) => {
            text.parse().map(toml::Value::Boolean).map_err(|_| "true or false")
        }
        // A list of strings, with commas.
        toml::Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(toml::Value::Array(items.map(string).collect()))
        }
        toml::Value::String(_)
        | toml::Value::Float(_)
        | toml::Value::Datetime(_)
        | toml::Value::Table(_) => Ok(string(text)),
    }
}
